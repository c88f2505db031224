"""How much a model is asked to reason: one scale of words, mapped to what each provider takes (`data/effort.json`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scrimp.core.errors import InputError
from scrimp.models.providers import rule

LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Our scale, least first."""

BUDGET_LEAST = 1024
"""Fewest thinking tokens Anthropic takes; also what `low` means there."""


def fit(asked: str, levels: Sequence[str]) -> str:
    """The level a model knows that is nearest below what is asked, else its lowest.

    Raises:
        InputError: `asked` is no level of ours.
    """
    if asked not in LEVELS:
        raise InputError(f"effort {asked!r} is no level", remedy=", ".join(LEVELS))
    rank = LEVELS.index(asked)
    known = sorted(levels, key=LEVELS.index)
    return next((level for level in reversed(known) if LEVELS.index(level) <= rank), known[0])


def level_for(model: str, asked: str) -> str:
    """What is sent to `model` where `asked` is wanted; `asked` itself where nothing is known about the model.

    Raises:
        InputError: the model has no such setting, or `asked` is no level.
    """
    known = rule("effort", model)
    if known is None:
        return asked
    if not known["levels"]:
        raise InputError(f"{model} has no effort setting", remedy="leave effort out, or take a model that reasons")
    return fit(asked, known["levels"])


def anthropic_fields(model: str, asked: str | None, max_output: int) -> dict[str, Any]:
    """The fields of an Anthropic body that ask for effort: `output_config.effort` and `thinking`.

    Models whose thinking has a budget get one by level (`data/effort.json`), at most three quarters of the output
    cap, which thinking counts against; where that is less than 1024 they do not think.

    Raises:
        InputError: the model has no such setting, or `asked` is no level.
    """
    if asked is None:
        return {}
    level, known = level_for(model, asked), rule("effort", model)
    if known is None:
        return {"output_config": {"effort": level}}
    if known["how"] == "budget":
        budget = min(known["budgets"].get(level, 0), max_output * 3 // 4)
        return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= BUDGET_LEAST else {}
    if level == "none":
        return {"thinking": {"type": "disabled"}} if known["thinking"] == "on" else {}
    fields: dict[str, Any] = {"output_config": {"effort": level}}
    if known["thinking"] == "adaptive":
        fields["thinking"] = {"type": "adaptive"}
    return fields


def thinks_by_budget(fields: Mapping[str, Any]) -> bool:
    """Whether these fields ask for thinking with a budget, which wants the earlier thinking of a turn back."""
    return bool(fields.get("thinking", {}).get("type") == "enabled")
