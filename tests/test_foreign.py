"""A method from somebody else's package is found, listed and run like one of ours (tests/foreign_package)."""

from __future__ import annotations

import importlib.util

import pytest

from scrimp.agent import Agent
from scrimp.core.registry import catalogue, find
from scrimp.core.system import System
from scrimp.models.scripted import ScriptedModel
from scrimp.outfit import Parts

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("scrimp_example_echo") is None,
    reason="pip install --no-deps tests/foreign_package (`make test` does)",
)


def test_it_is_listed_beside_ours() -> None:
    rows = {(entry.card.name, entry.package): entry for entry in catalogue()}
    assert not rows["echo", "scrimp-example-echo"].error
    assert ("react", "scrimp") in rows
    assert not any(entry.card.name == "echo" for entry in catalogue(strangers=False))


def test_it_is_found_by_its_family() -> None:
    assert find("planner", "echo").module == "scrimp_example_echo"


def test_it_solves_a_task_through_the_doors() -> None:
    """Its one call is metered like any other."""
    model = ScriptedModel(["Forty-two."])
    result = Agent(System(planner="echo"), parts=Parts(models={"main": model})).run("What is six times seven?")
    assert (result.status, result.answer) == ("done", "Forty-two.")
    assert result.ledger.total.calls == 1
    assert result.ledger.total.tokens.output > 0
