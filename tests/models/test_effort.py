"""Effort: one scale, and what each provider takes of it."""

from __future__ import annotations

import pytest

from scrimp.core.errors import InputError
from scrimp.models.effort import LEVELS, fit, level_for
from scrimp.models.providers import qualified, rule, split_options, table


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("openai:gpt-5", "none", "minimal"),
        ("openai:gpt-5-mini", "xhigh", "high"),
        ("openai:gpt-5-mini-2025-08-07", "minimal", "minimal"),
        ("openai:gpt-5.1", "minimal", "none"),
        ("openai:gpt-5.1-codex-max", "max", "xhigh"),
        ("openai:gpt-6-sol?service=flex", "max", "xhigh"),
        ("openai:gpt-5-pro", "low", "high"),
        ("openai:o3", "none", "low"),
        ("https://generativelanguage.googleapis.com/v1beta/openai#gemini-2.5-flash", "minimal", "none"),
        ("https://generativelanguage.googleapis.com/v1beta/openai#models/gemini-3-pro", "medium", "low"),
        ("http://127.0.0.1:8000/v1#mine", "ultra", "ultra"),
    ],
)
def test_a_level_becomes_the_nearest_one_that_the_model_knows(model: str, asked: str, sent: str) -> None:
    assert level_for(model, asked) == sent


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(InputError, match="no effort setting"):
        level_for("openai:gpt-4.1-mini", "low")
    with pytest.raises(InputError, match="is no level"):
        level_for("openai:o3", "extreme")


def test_every_rule_of_the_table_holds_known_levels() -> None:
    for entry in table("effort"):
        assert set(entry["levels"]) <= set(LEVELS)
        assert all(fit(asked, entry["levels"]) in entry["levels"] for asked in LEVELS if entry["levels"])


def test_names_are_taken_apart() -> None:
    assert split_options("openai:m?service=flex&cache=") == ("openai:m", {"service": "flex", "cache": ""})
    assert split_options("http://h/v1?a=b#m?service=flex") == ("http://h/v1?a=b#m", {"service": "flex"})
    assert qualified("https://api.deepseek.com/v1#deepseek-chat") == "deepseek:deepseek-chat"
    assert qualified("http://127.0.0.1:1/v1#m?x=y") == "m"
    assert rule("effort", "local") is None
