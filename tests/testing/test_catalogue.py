"""Every method of the catalogue keeps the promises of its family; a new one is tested by being there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import pytest

from scrimp.core.registry import Entry, catalogue, create
from scrimp.testing import conformance

SUITES: dict[str, Callable[..., Awaitable[None]]] = {
    "planner": conformance.planner,
    "context": conformance.context_policy,
    "selector": conformance.selector,
    "gate": conformance.gate,
    "memory": conformance.memory,
}
GIVEN = {"", "embedder", "store"}
"""What a scene can give a method; the others are tried by their own tests."""
OWN_FORM = {"rewoo", "llmcompiler"}
"""Methods whose prompts ask for a form of their own; their tests give the scene a script that keeps to it."""

METHODS = [entry for entry in catalogue(strangers=False) if entry.card.family in SUITES]


@pytest.mark.parametrize("entry", METHODS, ids=lambda entry: f"{entry.card.family}:{entry.card.name}")
def test_it_keeps_the_promises_of_its_family(entry: Entry) -> None:
    missing = set(entry.card.needs) - GIVEN
    if entry.card.name in OWN_FORM:
        pytest.skip("its own test gives it a script of its form")
    if missing:
        pytest.skip(f"needs {', '.join(sorted(missing))}, which no scene has")
    options: dict[str, Any] = {}
    if entry.card.family == "context":
        options["bounded"] = bool(entry.card.saves)  # the baseline that saves nothing bounds nothing
    factory = partial(create, entry.card.family, entry.card.name)
    anyio.run(partial(SUITES[entry.card.family], factory, **options))


def test_the_baselines_are_in_the_catalogue() -> None:
    names = {(entry.card.family, entry.card.name) for entry in METHODS}
    assert {("planner", "react"), ("planner", "plan-then-execute"), ("context", "everything"),
            ("context", "sliding-window"), ("selector", "all-tools"), ("selector", "top-k")} <= names  # fmt: skip
