"""Budget levels: the same work at the same cost (EVIDENCE rule 5).

A System that plans by its budget is run again at each level; any other is cut off there: its trials that cost more
than the level count as failures.
"""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError
from scrimp.core.money import plain
from scrimp.core.system import System
from scrimp.evaluate.controls import has
from scrimp.evaluate.trial import UNITS


def check_levels(levels: Sequence[Budget]) -> None:
    """Refuse a level in a unit that trials are not measured in.

    Raises:
        InputError: no limit, or one by another key.
    """
    for level in levels:
        wrong = [key for key in level.limits if key not in UNITS]
        if wrong or not level.limits:
            what = f"limits {wrong[0]}" if wrong else "limits nothing"
            raise InputError(f"a budget level {what}", remedy=f"levels are matched in {', '.join(UNITS)}")


def at_levels(systems: Sequence[System], levels: Sequence[Budget]) -> tuple[System, ...]:
    """The Systems that run again, one per level, with it as their budget."""
    return tuple(
        system.with_(
            budget=Budget({**Budget.of(system.budget).limits, **level.limits}), name=name_at(system.name, level)
        )
        for system in systems
        if has(system, "budget_aware")
        for level in levels
    )


def name_at(system: str, level: Budget) -> str:
    """The name of a System at a level."""
    return f"{system} at {words(level)}"


def words(level: Budget) -> str:
    """`usd=0.001,tokens=2000`."""
    return ",".join(
        f"{key}={amount if isinstance(amount, int) else plain(amount)}" for key, amount in level.limits.items()
    )
