"""All functions of the tool world in one fixed order, and the subsets that are prefixes of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, zip_longest

from scrimp.core.errors import InputError
from scrimp.evaluate.benchmarks.world import (
    arithmetic,
    dates,
    finance,
    geometry,
    lists,
    places,
    staff,
    strings,
    trade,
    units,
)
from scrimp.evaluate.benchmarks.world.entry import Entry

FAMILIES = tuple(
    module.FAMILY for module in (arithmetic, geometry, strings, lists, dates, units, finance, places, staff, trade)
)

FIRST = (
    "add_tax", "remove_tax", "calendar_days_between", "business_days_between", "nautical_miles_to_kilometres",
    "statute_miles_to_kilometres", "city_population", "city_metro_population", "staff_manager", "staff_office_city",
    "staff_hire_date", "product_net_price", "list_sum", "multiply_numbers", "absolute_difference", "reverse_letters",
)  # fmt: skip
"""The 16-tool subset: most families, look-alike pairs, and chains of up to four calls."""

STANDARD = 96
"""Tools of the tool world when nothing else is asked for."""

LEAST = 16
"""Fewer tools than this do not make every kind of task."""


@lru_cache(maxsize=1)
def ordered() -> tuple[Entry, ...]:
    """Every function: the 16-tool subset, then one of each family in turn."""
    by_name = {entry.name: entry for family in FAMILIES for entry in family.entries}
    rounds = chain.from_iterable(zip_longest(*(family.entries for family in FAMILIES)))
    rest = [entry for entry in rounds if entry is not None and entry.name not in FIRST]
    return (*(by_name[name] for name in FIRST), *rest)


def subset(count: int | None) -> tuple[Entry, ...]:
    """The first `count` functions of the order; the standard 96 for None.

    Raises:
        InputError: the world has not so many, or so few make no world.
    """
    everything = ordered()
    if count is None:
        return everything[:STANDARD]
    if not LEAST <= count <= len(everything):
        raise InputError(f"the tool world has no subset of {count} tools", remedy=f"{LEAST} to {len(everything)}")
    return everything[:count]


def unseen(entries: Sequence[Entry]) -> frozenset[str]:
    """Names of the fifth of the tools that only the split `unseen` needs."""
    return frozenset(entry.name for place, entry in enumerate(entries) if place % 5 == 4)
