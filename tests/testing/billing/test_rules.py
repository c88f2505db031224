"""The billing server's own rules: tokens, caches, prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.messages import Request, ToolSpec, assistant, system, user
from scrimp.core.protocols import Capabilities
from scrimp.models.openai_wire import Dialect, body
from scrimp.models.tokens import upper_bound
from scrimp.testing.billing import anthropic_format, openai_format
from scrimp.testing.billing.answers import Answer, capped, endless
from scrimp.testing.billing.bill import Bill
from scrimp.testing.billing.cache import AutomaticCache, MarkedCache, Split
from scrimp.testing.billing.faults import Fault, WrongFault
from scrimp.testing.billing.formats import Refused
from scrimp.testing.billing.tokens import Block, block_tokens, count, pieces

WORDS = st.text(max_size=60)


@given(WORDS, st.sampled_from([1, 4]))
def test_pieces_are_the_text_and_never_more_tokens_than_bytes(text: str, size: int) -> None:
    parts = list(pieces(text, size))
    assert "".join(part.text for part in parts) == text
    assert sum(part.tokens for part in parts) <= upper_bound(text)
    assert sum(part.tokens for part in parts) >= count(text.encode("utf-8", "surrogatepass"), size)


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_a_prompt_is_never_more_than_a_token_per_byte_and_the_overhead(texts: list[str]) -> None:
    tools = (ToolSpec("look_up", "查找", {"type": "object", "properties": {"q": {"type": "string"}}}),)
    request = Request((system("be brief"), *map(user, texts), assistant("yes")), tools, max_output=8)
    asked = openai_format.ask(body(request, Dialect("m"), Capabilities()))
    sent = sum(map(upper_bound, texts)) + upper_bound("be briefyes")
    told = sum(block_tokens(block, 1) for block in asked.blocks)
    assert sent < told < sent + 4 * (len(texts) + 2) + 300


def test_an_answer_is_as_long_as_the_model_is_called() -> None:
    said = list(Answer.of_model("words-40", b"hello", 4).pieces(4))
    assert sum(piece.tokens for piece in said) == 40
    assert said == list(Answer.of_model("words-40", b"hello", 4).pieces(4))
    chinese = list(Answer.of_model("zh-12", b"", 1).pieces(1))
    assert [piece.tokens for piece in chinese] == [3, 3, 3, 3]


def test_a_cap_cuts_before_the_token_that_does_not_fit() -> None:
    said = list(capped(endless("", 4), 10))
    assert sum(piece.tokens for piece in said) == 10
    assert said[-1].kind == "length"
    assert [piece.kind for piece in capped(Answer("ok", tool="f").pieces(4), 99)] == ["text", "call", "called"]


def blocks(*sizes: int, marked: int = -1, lifetime: int = 300) -> list[Block]:
    """Blocks of so many tokens each, all different; one may be marked."""
    return [
        Block(bytes([65 + place]) * size, 0, lifetime if place == marked else 0) for place, size in enumerate(sizes)
    ]


def test_openai_caches_from_1024_tokens_in_steps_of_128() -> None:
    cache = AutomaticCache()
    assert cache.split(blocks(1100), 1, 0) == Split(1100)
    assert cache.split(blocks(1100, 50), 1, 10) == Split(126, 1024)
    assert cache.split(blocks(1300), 1, 20) == Split(276, 1024)
    assert cache.split(blocks(1300), 1, 30) == Split(20, 1280)
    assert cache.split(blocks(1300), 1, 30 + 601) == Split(1300)
    assert AutomaticCache().split(blocks(1023), 1, 0) == Split(1023)


def test_openai_never_serves_a_whole_prompt_from_its_cache() -> None:
    cache = AutomaticCache()
    cache.split(blocks(1024), 1, 0)
    assert cache.split(blocks(1024), 1, 1) == Split(1024)


def test_openai_caches_nothing_after_a_change() -> None:
    cache = AutomaticCache()
    cache.split([Block(b"a" * 500), Block(b"b" * 1000)], 1, 0)
    assert cache.split([Block(b"c" + b"a" * 499), Block(b"b" * 1000)], 1, 1) == Split(1500)


def test_anthropic_writes_at_a_mark_and_reads_before_it_for_five_minutes() -> None:
    cache = MarkedCache()
    assert cache.split(blocks(2000, 10, marked=0), 1, 0) == Split(10, 0, 2000)
    assert cache.split(blocks(2000, 10, 5, marked=0), 1, 299) == Split(15, 2000)
    assert cache.split(blocks(2000, 10, 5, marked=2), 1, 500) == Split(0, 2000, 15)  # it was read at 299
    assert cache.split(blocks(2000, 10, marked=0), 1, 900) == Split(10, 0, 2000)


def test_anthropic_caches_nothing_short_or_unmarked() -> None:
    cache = MarkedCache()
    assert cache.split(blocks(1023, marked=0), 1, 0) == Split(1023)
    assert cache.split(blocks(5000), 1, 0) == Split(5000)


def test_anthropic_looks_back_over_twenty_blocks() -> None:
    cache = MarkedCache()
    cache.split(blocks(2000, marked=0), 1, 0)
    assert cache.split(blocks(2000, *[1] * 19, marked=19), 1, 1).cached == 2000
    cache = MarkedCache()
    cache.split(blocks(2000, marked=0), 1, 0)
    assert cache.split(blocks(2000, *[1] * 20, marked=20), 1, 1).cached == 0


def test_anthropic_keeps_an_hour_at_another_price() -> None:
    cache = MarkedCache()
    assert cache.split(blocks(2000, marked=0, lifetime=3600), 1, 0) == Split(0, 0, 0, 2000)
    assert cache.split(blocks(2000, marked=0, lifetime=3600), 1, 3599) == Split(0, 2000)


def test_a_bill_is_exact() -> None:
    bill = Bill({"output": "15"})
    entry = bill.open("openai", "m")
    entry.input, entry.output = Split(3, 7, 11, 13), 1
    assert bill.dollars(entry) == Decimal("0.00005845")  # 3 + 0.7 + 13.75 + 26 + 15, by the million
    assert bill.to_json()["tokens"] == {"fresh": 3, "cached": 7, "written": 11, "written_hour": 13, "output": 1}


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        ({}, {}, "anthropic-version"),
        ({"messages": [{"content": "a"}]}, {"anthropic-version": "1"}, "max_tokens"),
        ({"max_tokens": 1, "messages": []}, {"anthropic-version": "1"}, "at least one"),
        ({"max_tokens": 1, "messages": [{"content": ""}]}, {"anthropic-version": "1"}, "non-empty"),
        (
            {"max_tokens": 1, "messages": [{"content": [{"type": "text", "text": "a", "cache_control":
                                                         {"type": "ephemeral"}}] * 5}]},
            {"anthropic-version": "1"}, "maximum of 4",
        ),
    ],
)  # fmt: skip
def test_anthropic_refuses_what_the_provider_refuses(body: object, headers: dict[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        anthropic_format.ask(body, headers)  # type: ignore[arg-type]


def test_a_fault_is_named_or_written_into_the_model() -> None:
    assert Fault.of_model("words-40!cut:9") == ("words-40", Fault("cut", after=9))
    assert Fault.of_model("words-40") == ("words-40", None)
    for wrong in ("nonsense", {"kind": "cut", "colour": "red"}, {"kind": "cut", "manner": "gently"}):
        with pytest.raises(WrongFault):
            Fault.from_json(wrong)
