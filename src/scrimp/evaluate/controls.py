"""Controls: what efficiency must beat (EVIDENCE rule 3).

Beside the base stands its own scaffold on the next cheaper model and at lower reasoning effort, since efficiency is
not merely a smaller model; and whatever samples or debates has beside it self-consistency at as many tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scrimp.core.registry import load
from scrimp.core.system import PARTS, Part, System
from scrimp.evaluate import trial as measured
from scrimp.models.cheaper import next_cheaper
from scrimp.models.effort import LEVELS
from scrimp.models.providers import rule

if TYPE_CHECKING:
    from scrimp.evaluate.conduct import Tally

CHEAPER = "next cheaper model"
EFFORT = "lower effort"
CONSISTENCY = "self-consistency at matched tokens"
WARM = 0.7
"""Temperature of self-consistency where the System compared has none, as in its paper."""


@dataclass(frozen=True)
class Control:
    """A System that runs beside those that are compared; `of` is the one it is a control of."""

    system: System
    of: str
    why: str
    how: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"of": self.of, "why": self.why, "how": self.how}


def beforehand(systems: Sequence[System]) -> tuple[list[Control], list[str]]:
    """The controls of the base, the first System, that can be told before anything runs; and why others are not there.

    Raises:
        InputError: nobody knows which model is the next cheaper one.
    """
    base = systems[0]
    made: list[Control] = []
    missing: list[str] = []
    found = next_cheaper(base.model, base.prices)
    if found.model and not any(_same(base.with_(model=found.model), other) for other in systems):
        changed = base.with_(model=found.model, prices=found.prices, name=f"{base.name} on {_short(found.model)}")
        made.append(Control(changed, base.name, CHEAPER, found.why))
    else:
        missing.append(f"{CHEAPER}: {found.why or 'it is compared already'}")
    effort = lower_effort(base)
    if effort:
        made.append(Control(base.with_(effort=effort, name=f"{base.name}, {effort} effort"), base.name, EFFORT))
    else:
        missing.append(f"{EFFORT}: {base.model} has no lower setting")
    if not any(samples(system) for system in systems):
        missing.append(f"{CONSISTENCY}: nothing here samples or debates")
    return made, missing


def matched(systems: Sequence[System], tallies: Mapping[str, Tally]) -> list[Control]:
    """Self-consistency of the base's planner for each System that samples or debates, at the tokens that one used."""
    base = systems[0]
    used = measured.tokens(tallies[base.name].trials) or [0.0]
    one = sum(used) / max(len(used), 1)
    made = []
    for system in systems:
        own = measured.tokens(tallies[system.name].trials)
        if not samples(system) or not own or not one or system.part("planner") == Part("self-consistency"):
            continue
        count = max(1, round(sum(own) / len(own) / one))
        planner = Part("self-consistency", {"samples": count, "inner": Part.of(base.planner).name})
        changed = base.with_(
            planner=planner, temperature=system.temperature or WARM, name=f"self-consistency for {system.name}"
        )
        made.append(Control(changed, system.name, CONSISTENCY, f"{count} samples a task"))
    return made


def samples(system: System) -> bool:
    """Whether any method of a System draws several answers."""
    return has(system, "samples")


def has(system: System, trait: str) -> bool:
    """Whether the card of any method of a System says so."""
    parts = [(family, system.part(family)) for family in PARTS]
    return any(getattr(load(family, part.name).card, trait) for family, part in parts if part)  # type: ignore[attr-defined]


def lower_effort(system: System) -> str:
    """The next lower reasoning effort that a System's model has; empty where it has none."""
    known = rule("effort", system.model)
    levels = sorted(known["levels"], key=LEVELS.index) if known else []
    usual = "medium" if system.effort is None else system.effort
    lower = [level for level in levels if LEVELS.index(level) < LEVELS.index(usual)]
    return lower[-1] if lower else ""


def _same(one: System, other: System) -> bool:
    return {**one.to_json(), "name": "", "prices": ""} == {**other.to_json(), "name": "", "prices": ""}


def _short(model: str) -> str:
    return model.rpartition("#")[2]
