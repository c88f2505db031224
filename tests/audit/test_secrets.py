"""What looks like a secret is struck out; what does not stays readable."""

from __future__ import annotations

import time

import pytest

from scrimp.audit.secrets import redact

RANDOM = "Zx8Qp0LmN4vR7sT2yB6wD1hJ9kF3gC5a"
SECRETS = {
    "sk-" + "ant-api03-" + RANDOM: "[secret]",
    "sk-" + "proj-" + RANDOM: "[secret]",
    "AKIA" + "IOSFODNN7EXAMPLE": "[secret]",
    "ghp" + "_" + RANDOM: "[secret]",
    "AIza" + "SyD" + RANDOM: "[secret]",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0.c2lnbmF0dXJl": "[secret]",
    "Authorization: Bearer " + RANDOM: "Authorization: Bearer [secret]",
    "password: hunter2222": "password: [secret]",
    'api_key="abcd1234"': 'api_key="[secret]"',
    "密码：abc12345": "密码：[secret]",
    "postgres://me:pa55word@db:5432/x": "postgres://me:[secret]@db:5432/x",
    "mia@example.com": "[personal]",
    "4242 4242 4242 4242": "[personal]",
    "token " + RANDOM: "token [secret]",
    "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIE\n-----END RSA PRIVATE " + "KEY-----": "[secret]",
}
HARMLESS = (
    "commit 4f2a9c0e1b7d4f2a9c0e1b7d4f2a9c0e1b7d4f2a",
    "123e4567-e89b-12d3-a456-426614174000",
    "get_reservation_details_for_the_user_of_today",
    "src/scrimp/audit/readers/openai_chat.py",
    "order number 1234567890123",
    "这是一个没有秘密的句子，只说天气。",
    "credit_card_4421486",
    "max_tokens: 512",
    "The password was wrong.",
)


@pytest.mark.parametrize(("text", "shown"), SECRETS.items())
def test_secrets_are_struck_out(text: str, shown: str) -> None:
    assert redact(f"before {text} after") == f"before {shown} after"


@pytest.mark.parametrize("text", HARMLESS)
def test_look_alikes_stay(text: str) -> None:
    assert redact(text) == text


def test_it_takes_time_in_proportion() -> None:
    def seconds(size: int) -> float:
        text = "aaaa-bbbb_1 " * size + "x" * size + "=" * size
        started = time.perf_counter()
        redact(text)
        return time.perf_counter() - started

    seconds(100)
    assert seconds(40_000) < 60 * max(seconds(2_000), 0.0005)
