"""A card's own experiment, its verdict, and whether that is the one the card states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest

from scrimp.core.errors import InputError
from scrimp.core.registry import catalogue
from scrimp.evaluate.check import check, checkable, model_class, saved, verdict

CARDS = {entry.card.name: entry.card for entry in catalogue(strangers=False)}


def pair(low: float, high: float, answer: str = "cannot tell") -> dict[str, Any]:
    ratio = {"mean": (low + high) / 2, "interval": [low, high]}
    return {"non_inferior": answer, "tokens_ratio": ratio, "cost_ratio": ratio}


@pytest.mark.parametrize(
    ("found", "model", "expected"),
    [
        (pair(0.4, 0.6, "yes"), "oracle?error=0.1", "structure only"),
        (pair(0.4, 0.6, "yes"), "scripted:a.json", "structure only"),
        (pair(0.4, 0.6, "yes"), "local", "direction"),
        (pair(0.4, 0.6, "no"), "local", "contradicted"),
        (pair(1.1, 1.3, "yes"), "local", "contradicted"),
        (pair(0.9, 1.1, "yes"), "local", "not distinguishable"),
        (pair(1.0, 1.0, "yes"), "oracle", "not distinguishable"),
    ],
)
def test_verdicts(found: dict[str, Any], model: str, expected: str) -> None:
    assert verdict(CARDS["plan-then-execute"], found, model) == expected


def test_a_size_is_reproduced_only_on_a_real_model() -> None:
    card = replace(CARDS["plan-then-execute"], claimed_ratio=0.5)
    assert verdict(card, pair(0.4, 0.6, "yes"), "local") == "reproduced"
    assert verdict(card, pair(0.6, 0.8, "yes"), "local") == "direction"
    assert verdict(card, pair(0.4, 0.6, "yes"), "oracle") == "structure only"
    assert model_class("openai:x") == "openai:x"


def test_a_cards_own_experiment(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path))
    found = anyio.run(lambda: check(CARDS["plan-then-execute"], n=30))
    assert (found.baseline, found.workload, found.n) == ("baseline", "toolworld", 30)
    assert found.cost["unit"] == "tokens"
    assert found.cost["method"] < found.cost["baseline"]
    assert found.verdict == found.stated == "structure only"
    assert found.agrees


def test_baselines_claim_nothing() -> None:
    assert [name for name in ("react", "everything", "all-tools", "self-consistency") if checkable(CARDS[name])] == []
    with pytest.raises(InputError, match="claims no saving"):
        anyio.run(lambda: check(CARDS["react"]))


def test_every_card_states_what_its_check_found() -> None:
    found = saved()
    for name, card in CARDS.items():
        if checkable(card):
            assert found[name]["verdict"] == card.verdicts[model_class(found[name]["model"])], name
            assert found[name]["n"] == card.n
