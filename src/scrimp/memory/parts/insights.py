"""Insights with a score: what operations of a model, and how tasks went, do to them.

A new insight has a score of 2; editing it or agreeing with it gives one more, removing it takes one, or three where
there are many; one without score left is gone. Shared by memories that learn rules from tasks (G-Memory, ExpeL).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scrimp.core.records import Record, Records

INSIGHT = "insight"
NEW, AGREED, REMOVED, REMOVED_OF_MANY = 2, 1, -1, -3
MANY = 10


def changed(known: Sequence[Record], said: Sequence[Any], good: list[str], bad: list[str]) -> list[Record]:
    """The insights that operations change or add; what is no operation is passed over.

    Args:
        said: `{"op": ADD | EDIT | AGREE | REMOVE, "number": place in known from 1, "text"}` each.
        good, bad: tasks that speak for them.
    """
    fresh: list[Record] = []
    now = {one.id: one for one in known}
    for one in said:
        if not isinstance(one, Mapping):
            continue
        text, number = str(one.get("text", "")).strip(), one.get("number")
        old = known[number - 1] if isinstance(number, int) and 0 < number <= len(known) else None
        if one.get("op") == "ADD" and text:
            fresh.append(Record(text=text, kind=INSIGHT, data={"score": NEW, "good": good, "bad": bad}))
        elif old is not None and one.get("op") in ("EDIT", "AGREE", "REMOVE"):
            now[old.id] = operated(now[old.id], str(one["op"]), text, good, bad, len(known))
    return [*(now[one.id] for one in known if now[one.id] != one), *fresh]


def supports(insight: Record) -> set[str]:
    """The tasks that speak for it."""
    return {*insight.data["good"], *insight.data["bad"]}


def scored(insight: Record, change: int) -> Record:
    """The insight with another score."""
    return replace(insight, data={**insight.data, "score": insight.data["score"] + change})


def operated(old: Record, op: str, text: str, good: list[str], bad: list[str], count: int) -> Record:
    """An insight after an operation: its score, its words where edited, and the tasks that speak for it."""
    if op == "REMOVE":
        return scored(old, REMOVED_OF_MANY if count >= MANY else REMOVED)
    data = {**old.data, "good": union(old.data["good"], good), "bad": union(old.data["bad"], bad)}
    return scored(replace(old, text=text if op == "EDIT" and text else old.text, data=data), AGREED)


def joined(batch: Sequence[Record], said: Sequence[Any]) -> list[tuple[Record, list[str]]]:
    """New insights with the ids of those that they take the place of; each old one is taken once."""
    taken: Counter[str] = Counter()
    made = []
    for one in said:
        numbers = one.get("from") if isinstance(one, Mapping) else None
        named = [n for n in numbers if isinstance(n, int)] if isinstance(numbers, list) else []
        old = [batch[n - 1] for n in dict.fromkeys(named) if 0 < n <= len(batch)]
        old = [record for record in old if not taken[record.id]]
        text = str(one.get("text", "")).strip() if isinstance(one, Mapping) else ""
        if len(old) < 2 or not text:
            continue
        taken.update(record.id for record in old)
        data = {"score": max(record.data["score"] for record in old),
                "good": union(*(record.data["good"] for record in old)),
                "bad": union(*(record.data["bad"] for record in old))}  # fmt: skip
        made.append((Record(text=text, kind=INSIGHT, data=data), [record.id for record in old]))
    return made


def union(*lists: Sequence[str]) -> list[str]:
    """All items, each once, in their order."""
    return list(dict.fromkeys(item for items in lists for item in items))


async def settle(records: Records, changed: Sequence[Record], remove: Sequence[str] = ()) -> None:
    """Keep insights that have a score left, and remove the others."""
    kept = [one for one in changed if one.data["score"] > 0]
    gone = [one.id for one in changed if one.data["score"] <= 0 and one.id]
    if kept or gone or remove:
        await records.put(kept, remove=[*gone, *remove])
