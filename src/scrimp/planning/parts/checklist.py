"""A plan as a checklist that grows and is never cut: sub-questions, how each stands, and the calls spent on it.

A model writes it as lines `NUMBER [STATUS] sub-question` below `Explore:` or `Verify:`; numbers with points make it a
tree. What it writes changes the list and adds to it; what it leaves out stays. Calls are counted here, not by the
model (arXiv 2511.17006, section 4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

HOW = (
    "Before each call write your checklist, a line `NUMBER [STATUS] sub-question` each: below `Explore:` what is to be "
    "found out, below `Verify:` what is to be checked; parts of 1 are 1.1, 1.2; the status is pending, done, failed or "
    "partial. Bring every status up to date and drop no line."
)
KINDS = ("explore", "verify")
OPEN = ("partial", "pending")
"""Status of an item that calls are made for, the first choice first."""
MOST, LONGEST = 50, 200
"""Items of a list, and characters of one; what a model writes beyond is not kept."""

_LINE = re.compile(
    r"^[\s>*-]*(?P<number>\d+(?:\.\d+)*)\.?\s*\[(?P<status>pending|done|failed|partial)\]\s*(?P<text>\S.*)$",
    re.IGNORECASE,
)
_HEAD = re.compile(r"^[\s#*]*(explore|verify)\b[\s:*]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Item:
    """One sub-question; `kind` is one of KINDS."""

    number: str
    kind: str
    status: str
    text: str
    calls: int = 0


class Checklist:
    """Items by number, in the order in which they were first written."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def update(self, text: str) -> None:
        """Take in what a model wrote: lines of a checklist, among other words or none."""
        kind = KINDS[0]
        for line in text.splitlines():
            if head := _HEAD.match(line):
                kind = head[1].lower()
            elif found := _LINE.match(line):
                self._put(Item(found["number"], kind, found["status"].lower(), found["text"].strip()[:LONGEST]))

    def _put(self, item: Item) -> None:
        old = self.items.get(item.number)
        if old is not None or len(self.items) < MOST:
            self.items[item.number] = replace(item, calls=old.calls if old else 0)

    def spend(self, calls: int) -> None:
        """Charge the calls of a turn to the item under way: the first partial one, else the first pending one."""
        under_way = (item for status in OPEN for item in self.items.values() if item.status == status)
        if (item := next(under_way, None)) is not None:
            self.items[item.number] = replace(item, calls=item.calls + calls)

    def spent(self) -> str:
        """Calls by item in one line; empty where none were made for any."""
        each = [f"{item.number}: {item.calls}" for item in self.items.values() if item.calls]
        return f"Calls by item: {', '.join(each)}." if each else ""

    def __str__(self) -> str:
        lines = []
        for kind in KINDS:
            mine = [item for item in self.items.values() if item.kind == kind]
            lines += [f"{kind.capitalize()}:"] if mine else []
            lines += [f"{item.number} [{item.status}] {item.text} ({item.calls} calls)" for item in mine]
        return "\n".join(lines)
