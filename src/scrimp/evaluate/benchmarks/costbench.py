"""CostBench: the cheapest chain of tools that reaches a goal, also when prices change (Liu et al., arXiv 2511.02734).

The data carry no licence and are not shipped: `made` draws tasks of ours by seed, in the same six kinds of travel
planning, over the rebuilt tool graph (environments/tool_graph.py); `official` puts the official queries, where they are
at hand, over the same graph, so its figures are not the leaderboard's. Success: the right final answer (the official
"user-intent hit"). Value: that, times optimal over paid. `figures` gives the official metrics.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.checking import check
from scrimp.evaluate.benchmarks.files import Source, by_id, field, find, one_of
from scrimp.evaluate.benchmarks.gold import Gold, Ref, Step
from scrimp.evaluate.environments.tool_graph import (
    EVENTS,
    MEAN_PRICE,
    Event,
    Graph,
    ToolGraph,
    changed,
    handle,
    identity,
    tools,
)
from scrimp.evaluate.metrics.paths import distance as edits_between

SIZE = 300
KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "location": {"category": ("city", "village", "coast", "mountain"), "tier": ("grand", "middling", "modest"),
                 "style": ("historic", "modern", "rural"), "feature": ("museums", "trails", "food", "music")},
    "transport": {"category": ("train", "ferry", "coach", "flight"), "tier": ("first", "second", "shared"),
                  "style": ("fast", "scenic", "quiet"), "feature": ("window", "sleeper", "bicycle", "meal")},
    "lodging": {"category": ("hotel", "hostel", "farm", "boat"), "tier": ("grand", "middling", "modest"),
                "style": ("historic", "modern", "rural"), "feature": ("kitchen", "garden", "pool", "library")},
    "attraction": {"category": ("museum", "park", "tower", "theatre"), "tier": ("famous", "known", "hidden"),
                   "style": ("historic", "modern", "playful"), "feature": ("guide", "view", "workshop", "silence")},
    "dining": {"category": ("tavern", "bakery", "market", "tearoom"), "tier": ("grand", "middling", "modest"),
               "style": ("local", "foreign", "plain"), "feature": ("garden", "music", "children", "late")},
    "shopping": {"category": ("books", "clothes", "crafts", "tools"), "tier": ("grand", "middling", "modest"),
                 "style": ("new", "old", "handmade"), "feature": ("delivery", "repair", "gifts", "bargain")},
}  # fmt: skip
"""What is planned, and the preferences it has: our own words."""

GOALS = ("location", "transportation", "accommodation", "attraction", "dining", "shopping")
"""The kinds of the official queries."""

ASK = (
    "Plan a {kind} for a traveller with the tools, and pay as little as possible in all: a bundle may cost less or "
    "more than its steps. Each call takes exactly what the one before gave. Reply with what the last one gave."
    "\nPlan {id}: {wish}"
)
WISH = "{category} of the {tier} sort, {style}, and {feature} matters most."


@dataclass(frozen=True)
class Item:
    """One query: what is wanted, over which offers, and what happens under way."""

    id: str
    graph: Graph
    wants: Mapping[str, str]
    wish: str
    event: Event
    where: str


class CostBench:
    """Cost-optimal planning as a Benchmark.

    Args:
        data: folder of the official queries, for the split `official`.
        seed: which tasks of ours; 0 is the standard one.
        refine: refinement steps; a plan has this many and three more.
        event: what happens after two calls, one of EVENTS.
    """

    name = "costbench"
    splits = ("made", "official")
    default_split = "made"

    def __init__(self, data: Path | str | None = None, seed: int = 0, refine: int = 2, event: str = "none") -> None:
        if event not in EVENTS:
            raise UnknownName("event of costbench", event, EVENTS)
        if not 1 <= refine <= 20:
            raise InputError(f"costbench takes 1 to 20 refinement steps, not {refine}")
        self.version, self.seed, self.refine, self.event = "1", seed, refine, event
        self._data = data

    def tasks(self, split: str = "made") -> Iterator[Task]:
        """The queries of a split."""
        if split not in self.splits:
            raise UnknownName("split of costbench", split, self.splits)
        return map(_task, (self._made if split == "made" else self._official).values())

    def environment(self, task: Task) -> ToolGraph:
        """A fresh plan."""
        item = self._item(task.id)
        wants = item.wants if item.event.kind == "preference_change" else {}  # else only the task's words tell them
        return ToolGraph(item.graph, wants, item.event)

    def gold(self, task_id: str) -> Gold:
        """The cheapest way, with its second part after the event; for scorers and the oracle only."""
        item = self._item(task_id)
        calls, answer, _ = optimal(item)
        steps = tuple(Step(tool, arguments, ("", None), "line") for tool, arguments in calls)
        foreseen = 0 if item.event.kind == "none" else item.event.after
        return Gold("text", (answer,), steps, says=answer, ordered=True, foreseen=foreseen)

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Whether the final answer is right, and what it cost beside the least."""
        item, state = self._item(task.id), answer.state
        _, right, least = optimal(item)
        hit = right in answer.text
        paid = float(state.get("paid", 0.0))
        value = min(1.0, least / paid) if hit and paid else 0.0
        detail = f"paid {paid:g}, least {least:g}, {state.get('invalid', 0)} invalid calls"
        return Score(value, hit, detail if hit else f"expected {right}; {detail}")

    def check(self) -> dict[str, Any]:
        """Make or load every query, go its cheapest way and score it (`checking.check`)."""
        here = self._data is not None or find("costbench") is not None
        return check(self, self.splits if here else ("made",))

    def figures(self, states: Mapping[str, tuple[Mapping[str, Any], bool]]) -> dict[str, float]:
        """The official metrics from each task's end state and whether its answer was right.

        Cost gap: mean of (paid - least) over the mean atomic price, over runs that reach the end. AED and ANED: edit
        distance of the tool sequences, ANED over the longer one and 1 where the end is not reached. Runs whose event
        never came are left out.
        """
        gaps, edits, shares, exact, invalid, calls, hits = [], [], [], 0, 0, 0, 0
        counted = [(self._item(task), state, hit) for task, (state, hit) in states.items()
                   if self._item(task).event.kind == "none" or state.get("switched")]  # fmt: skip
        for item, state, hit in counted:
            best, _, least = optimal(item)
            path, wanted = list(state["path"]), [tool for tool, _ in best]
            reached = state["place"] >= item.graph.length
            distance = edits_between(path, wanted)
            edits.append(distance)
            shares.append(distance / max(len(path), len(wanted)) if reached else 1.0)
            exact += path == wanted
            hits += hit
            invalid, calls = invalid + state["invalid"], calls + state["invalid"] + len(path)
            if reached:
                gaps.append((state["paid"] - least) / MEAN_PRICE)
        n = len(counted) or 1
        return {
            "n": len(counted), "cost_gap": sum(gaps) / len(gaps) if gaps else float("nan"), "aed": sum(edits) / n,
            "aned": sum(shares) / n, "emr": exact / n, "uihr": hits / n, "itur": invalid / calls if calls else 0.0,
        }  # fmt: skip

    def _item(self, task_id: str) -> Item:
        items = self._made if task_id.startswith("made-") else self._official
        if task_id not in items:
            raise UnknownName("task of costbench", task_id)
        return items[task_id]

    @cached_property
    def _made(self) -> Mapping[str, Item]:
        items = {}
        for number in range(SIZE):
            kind = list(KINDS)[number % len(KINDS)]
            name = f"made-{self.seed}-{number:04d}"
            rng = random.Random(f"costbench {name}")
            wants = {key: rng.choice(values) for key, values in KINDS[kind].items()}
            graph = Graph.made(kind, KINDS[kind], self.refine, name)
            items[name] = Item(name, graph, wants, WISH.format(**wants), Event(self.event, 2, name), name)
        return items

    @cached_property
    def _official(self) -> Mapping[str, Item]:
        source = Source("costbench", self._data)
        rows = list(source.rows("queries_sample60", "queries", key="query_id"))
        seen: dict[str, dict[str, set[str]]] = {}
        for where, row in rows:
            kind = one_of(where, "task", row.get("task"), GOALS)
            for key, value in field(where, row, "preferences", dict).items():
                seen.setdefault(kind, {}).setdefault(str(key), set()).add(str(value))
        values = {kind: {key: tuple(sorted(found)) for key, found in keys.items()} for kind, keys in seen.items()}
        items = (self._read(where, row, values[row["task"]]) for where, row in rows)
        return by_id(items, lambda item: item.id, lambda item: item.where)

    def _read(self, where: str, row: Mapping[str, Any], values: Mapping[str, tuple[str, ...]]) -> Item:
        name, wants = str(row["query_id"]).strip("<>"), {key: str(one) for key, one in row["preferences"].items()}
        field(where, row, "groundtruth", str)
        graph = Graph.made(row["task"], values, self.refine, name)
        event = Event(self.event, 2, name)
        return Item(name, graph, wants, field(where, row, "user_requirements", str), event, where)


def _task(item: Item) -> Task:
    text = ASK.format(kind=item.graph.kind, id=item.id, wish=item.wish)
    return Task(item.id, text, tools(item.graph), environment="tool_graph", steps=4 * item.graph.length,
                labels={"kind": item.graph.kind, "event": item.event.kind})  # fmt: skip


def optimal(item: Item) -> tuple[list[tuple[str, dict[str, Any]]], str, float]:
    """The cheapest calls with their arguments, the final answer, and what it costs.

    Before an event nothing of it is known, so the first calls are those of the cheapest way without it; after it, the
    cheapest way on from where they led.
    """
    calls: list[tuple[str, dict[str, Any]]] = []
    graph, wants, place, paid, token = item.graph, item.wants, 0, 0.0, ""
    way = list(graph.cheapest()[1])
    switched = item.event.kind == "none"
    while way:
        tool = way.pop(0)
        offer = next(one for one in graph.offers if one.name == tool)
        if offer.start == 0:
            arguments: dict[str, Any] = dict(wants)
            token = identity(graph.kind, wants)
        else:
            arguments = {"input": Ref(len(calls) - 1)}
        calls.append((offer.name, arguments))
        place, paid = offer.end, paid + offer.price
        if not switched and len(calls) >= item.event.after and place < graph.length:
            graph, wants, place, _ = changed(graph, wants, place, item.event)
            way, switched = list(graph.cheapest(place)[1]), True
    return calls, handle(graph.kind, token, place), round(paid, 1)
