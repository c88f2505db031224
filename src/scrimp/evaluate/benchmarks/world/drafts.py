"""Draws the gold way of a task: calls of the tool world, run as they are drawn."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scrimp.core.tool import ToolResult
from scrimp.evaluate.benchmarks.gold import Ref, Step, resolve
from scrimp.evaluate.benchmarks.world.entry import Entry

LARGEST = 1e12
"""Results beyond this lose digits as floats."""


class Redraw(ValueError):
    """What was drawn makes no good task; draw again."""


@dataclass
class Draft:
    """Calls drawn so far, with their results."""

    entries: list[Entry] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    read: tuple[int, ...] = ()


def fits(giver: Entry, takes: str) -> bool:
    """Whether a result of `giver` may stand where `takes` is wanted; a date is no text to play with."""
    return bool(takes) and takes in giver.gives and not (takes == "text" and "date" in giver.gives)


class Pool:
    """The functions a task may need, with who can follow whom (looked up once per function)."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self._givers: dict[str, list[Entry]] = {}
        self._takers: dict[str, list[tuple[Entry, str]]] = {}

    def givers(self, takes: str) -> list[Entry]:
        """Functions whose result may stand where `takes` is wanted."""
        if takes not in self._givers:
            self._givers[takes] = [entry for entry in self.entries if fits(entry, takes)]
        return self._givers[takes]

    def takers(self, giver: Entry) -> list[tuple[Entry, str]]:
        """Other functions, and the argument of each, that can take the result of `giver`."""
        if giver.name not in self._takers:
            self._takers[giver.name] = [
                (entry, name)
                for entry in self.entries
                for name, kind in entry.kinds.items()
                if entry is not giver and fits(giver, kind.takes)
            ]
        return self._takers[giver.name]


class Drawing:
    """One attempt at one task."""

    def __init__(self, rng: random.Random, pool: Pool) -> None:
        self.rng, self.pool, self.draft = rng, pool, Draft()

    def call(self, entry: Entry, plugged: Mapping[str, int]) -> int:
        """Add a call: earlier results where `plugged` says so, constants elsewhere; its place."""
        draft = self.draft
        arguments: dict[str, Any] = {
            name: Ref(plugged[name]) if name in plugged else kind.draw(self.rng) for name, kind in entry.kinds.items()
        }
        known = resolve(arguments, draft.results)
        result = _run(entry, known)
        if not _good(result):
            raise Redraw(f"{entry.name}: {result.text[:80]}")
        draft.entries.append(entry)
        slip = self._slip(entry, arguments, known, result.text)
        draft.steps.append(Step(entry.name, arguments, slip, entry.gives[0]))
        draft.results.append(result.value)
        return len(draft.steps) - 1

    def _slip(
        self, entry: Entry, arguments: Mapping[str, Any], known: Mapping[str, Any], right: str
    ) -> tuple[str, Any]:
        names = [name for name, value in arguments.items() if not isinstance(value, Ref)] or list(arguments)
        for _ in range(20):
            name = self.rng.choice(names)
            value = entry.kinds[name].draw(self.rng)
            result = _run(entry, {**known, name: value})
            if _good(result) and result.text != right:
                return name, value
        raise Redraw(f"{entry.name}: no slip changes the result")

    def pick(self, entries: Sequence[Entry]) -> Entry:
        """One of `entries`: first a family, then a function, so that big families do not drown small ones."""
        if not entries:
            raise Redraw("nothing fits")
        family = self.rng.choice(sorted({entry.family for entry in entries}))
        return self.rng.choice([entry for entry in entries if entry.family == family])

    def after(self, place: int) -> int:
        """Add a call that takes the result of an earlier one."""
        takers = self.pool.takers(self.draft.entries[place])
        entry = self.pick([taker for taker, _ in takers])
        name = self.rng.choice([name for taker, name in takers if taker is entry])
        return self.call(entry, {name: place})

    def into(self, entry: Entry, name: str, source: int | None = None) -> int:
        """Add a call whose result fits an argument; with `source`, one that takes that earlier result itself."""
        givers = self.pool.givers(entry.kinds[name].takes)
        if source is None:
            return self.call(self.pick(givers), {})
        giver = self.draft.entries[source]
        takers = [(taker, slot) for taker, slot in self.pool.takers(giver) if taker in givers]
        chosen = self.pick([taker for taker, _ in takers])
        return self.call(chosen, {self.rng.choice([slot for taker, slot in takers if taker is chosen]): source})


def single(drawing: Drawing) -> None:
    """One call."""
    drawing.call(drawing.pick(drawing.pool.entries), {})


def parallel(drawing: Drawing) -> None:
    """Two to four calls that do not hang together, half of the time of one tool."""
    entries = [entry for entry in drawing.pool.entries if entry.gives[0] != "list"]
    count, first = drawing.rng.randint(2, 4), drawing.pick(entries)
    same = drawing.rng.random() < 0.5
    for place in range(count):
        drawing.call(first if same or not place else drawing.pick(entries), {})
    drawing.draft.read = tuple(range(count))


def chained(drawing: Drawing) -> None:
    """Two to four calls, each on the result of the one before."""
    place = drawing.call(drawing.pick(drawing.pool.entries), {})
    for _ in range(drawing.rng.randint(1, 3)):
        place = drawing.after(place)


def mixed(drawing: Drawing) -> None:
    """Two branches that meet, one of them longer or both from one root; sometimes a call on top."""
    open_names = {e.name: [name for name, kind in e.kinds.items() if kind.takes] for e in drawing.pool.entries}
    entry = drawing.pick([entry for entry in drawing.pool.entries if len(open_names[entry.name]) >= 2])
    left, right = drawing.rng.sample(open_names[entry.name], 2)
    root = drawing.call(drawing.pick(drawing.pool.entries), {})
    first = drawing.into(entry, left, root)
    second = drawing.into(entry, right, root if drawing.rng.random() < 0.5 else None)
    top = drawing.call(entry, {left: first, right: second})
    if drawing.rng.random() < 0.3:
        drawing.after(top)


SHAPES: Mapping[str, Callable[[Drawing], None]] = {
    "single": single, "parallel": parallel, "chained": chained, "mixed": mixed,
}  # fmt: skip


def draw(rng: random.Random, pool: Pool, kind: str, must: frozenset[str] = frozenset()) -> Draft:
    """A good draft of a kind; with `must`, one that needs at least one of those tools.

    Raises:
        Redraw: five hundred attempts gave none, so the pool is too small for this kind.
    """
    for _ in range(500):
        drawing = Drawing(rng, pool)
        try:
            SHAPES[kind](drawing)
            draft = drawing.draft
            if len({(step.tool, repr(step.arguments)) for step in draft.steps}) < len(draft.steps):
                continue  # the same call twice
            if must and not any(step.tool in must for step in draft.steps):
                continue
            draft.read = draft.read or (len(draft.steps) - 1,)
            if all(_hard(draft.results[place]) for place in draft.read):
                return draft
        except Redraw:
            continue
    raise Redraw(f"these tools make no task of kind {kind}")


def _run(entry: Entry, arguments: Mapping[str, Any]) -> ToolResult:
    call = entry.tool.call
    result = call(arguments) if call else None
    if not isinstance(result, ToolResult):
        raise TypeError(f"{entry.name} is no tool of the world")
    return result


def _good(result: ToolResult) -> bool:
    value = result.value
    if not result.ok:
        return False
    if isinstance(value, (int, float)):
        return 0.01 <= abs(value) <= LARGEST
    if isinstance(value, list):
        return 2 <= len(value) <= 12 and all(abs(item) <= LARGEST for item in value)
    return 0 < len(value) <= 120


def _hard(value: Any) -> bool:
    """Not to be hit by guessing: no small whole number."""
    return not isinstance(value, (int, float)) or abs(value) >= 10 or value != int(value)
