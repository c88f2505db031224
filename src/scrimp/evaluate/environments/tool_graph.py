"""A graph of tools with prices: every goal is reached by a chain of typed steps, some of which are sold bundled.

Rebuilt from the description of CostBench (Liu et al., arXiv 2511.02734): decide the preferences, search, refine once or
several times, select. Each step is an atomic tool; every run of neighbouring steps is also a composite tool at the sum
of its parts plus noise, so a bundle may be the cheaper or the dearer way. Outputs are typed: a tool takes only what the
step before it gave. Prices and tools may change while the agent is under way.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scrimp.core.task import Task
from scrimp.core.tool import Tool, ToolResult

PRICES = (15.0, 25.0)
"""Range that an atomic price is drawn from."""
MEAN_PRICE = 20.0
NOISE = 4.0
"""Standard deviation of a bundle's price around the sum of its parts."""

EVENTS = ("none", "ban_tool", "cost_change", "preference_change", "steplen_change")


@dataclass(frozen=True)
class Offer:
    """A tool: it does the steps from `start` up to, but without, `end`, at a price."""

    name: str
    start: int
    end: int
    price: float


@dataclass(frozen=True)
class Graph:
    """The offers of one task.

    Attributes:
        kind: what is planned, such as a lodging.
        attributes: values that each preference may have.
        length: steps of a whole plan.
    """

    kind: str
    attributes: Mapping[str, tuple[str, ...]]
    length: int
    offers: tuple[Offer, ...]

    @classmethod
    def made(cls, kind: str, attributes: Mapping[str, tuple[str, ...]], refinements: int, seed: str,
             ban_longest: bool = True) -> Graph:  # fmt: skip
        """The graph of a kind, its prices drawn by a seed.

        Args:
            refinements: filter steps between searching and selecting.
            ban_longest: leave out the bundle that does everything in one call.
        """
        rng = random.Random(f"tool graph {seed}")
        steps = [f"decide_{kind}_preference", f"search_{kind}s"]
        steps += [f"refine_{kind}s_{number}" for number in range(1, refinements + 1)] + [f"select_{kind}"]
        prices = [round(rng.uniform(*PRICES), 1) for _ in steps]
        offers = [Offer(name, place, place + 1, prices[place]) for place, name in enumerate(steps)]
        for size in range(2, len(steps) + (0 if ban_longest else 1)):
            for start in range(len(steps) - size + 1):
                price = max(1.0, round(sum(prices[start : start + size]) + rng.gauss(0, NOISE), 1))
                offers.append(Offer(f"{kind}_{_stage(steps, start)}_to_{_stage(steps, start + size - 1)}", start,
                                    start + size, price))  # fmt: skip
        return cls(kind, attributes, len(steps), tuple(offers))

    def cheapest(self, start: int = 0) -> tuple[float, tuple[str, ...]]:
        """The least price from a step to the end, and the tools that have it (shortest path over the offers).

        Raises:
            ValueError: no offer leads on.
        """
        best: dict[int, tuple[float, tuple[str, ...]]] = {self.length: (0.0, ())}
        for place in range(self.length - 1, start - 1, -1):
            ways = [
                (offer.price + best[offer.end][0], (offer.name, *best[offer.end][1]))
                for offer in self.offers
                if offer.start == place and offer.end in best
            ]
            if ways:
                best[place] = min(ways)
        if start not in best:
            raise ValueError(f"nothing leads from step {start} of a {self.kind} plan to its end")
        return best[start]

    def greedy(self) -> float:
        """The price of always taking the offer that is cheapest now."""
        place, paid = 0, 0.0
        while place < self.length:
            offer = min((one for one in self.offers if one.start == place), key=lambda one: one.price)
            place, paid = offer.end, paid + offer.price
        return paid


def _stage(steps: Sequence[str], place: int) -> str:
    """A step in one word, for the name of a bundle."""
    word = steps[place].split("_")
    return f"refine{word[-1]}" if word[0] == "refine" else word[0]


@dataclass(frozen=True)
class Event:
    """What happens after so many accepted calls."""

    kind: str = "none"
    after: int = 2
    seed: str = ""


@dataclass
class ToolGraph:
    """One plan under way, as an Environment.

    Attributes:
        wants: the preferences, which an event may change.
        log: valid calls: tool, price, the step it ended at.
    """

    graph: Graph
    wants: Mapping[str, str]
    event: Event = Event()
    name: str = "tool_graph"
    log: list[tuple[str, float, int]] = field(default_factory=list)
    invalid: int = 0
    place: int = 0
    token: str = ""
    now: Graph = field(init=False)
    wanted: Mapping[str, str] = field(init=False)
    switched: tuple[int, int] | None = None  # how many valid calls there were, and the step then

    def __post_init__(self) -> None:
        self.now, self.wanted = self.graph, self.wants

    async def reset(self, task: Task) -> str:
        """Nothing is done yet; the prices are told."""
        self.now, self.wanted, self.log, self.invalid = self.graph, self.wants, [], 0
        self.place, self.token, self.switched = 0, "", None
        return "Prices: " + ", ".join(f"{offer.name} {offer.price:g}" for offer in self.now.offers)

    async def step(self, action: Mapping[str, Any], ctx: Any) -> ToolResult:
        """One call; what does not fit costs nothing, counts as invalid and changes nothing."""
        name, arguments = action.get("name"), action.get("arguments") or {}
        offer = next((one for one in self.now.offers if one.name == name), None)
        if offer is None:
            return self._wrong(f"there is no tool {name}, or it is no longer offered")
        if self.place >= self.now.length:
            return self._wrong("the plan is finished")
        if offer.start != self.place:
            return self._wrong(f"{offer.name} does not take what is there now ({self._holds()})")
        if offer.start == 0:
            given = {key: arguments.get(key) for key in self.now.attributes}
            odd = [key for key, value in given.items() if value not in self.now.attributes[key]]
            if odd:
                return self._wrong(f"{odd[0]} is one of {', '.join(self.now.attributes[odd[0]])}")
            self.token = identity(self.now.kind, given)
        elif arguments.get("input") != self._holds():
            return self._wrong(f"input must be {self._holds()}")
        self.place = offer.end
        self.log.append((offer.name, offer.price, self.place))
        return ToolResult(f"{self._holds()}{self._happens()}")

    async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
        """The same call again: events come after a number of calls, not by chance."""
        await self.step(action, None)

    async def clone(self) -> ToolGraph:
        """Another plan at the same point."""
        twin = replace(self, log=list(self.log))
        twin.now, twin.wanted = self.now, self.wanted
        return twin

    def state(self) -> Mapping[str, Any]:
        """Path and price of the valid calls, the invalid ones, and whether and where the event came."""
        return {
            "path": [name for name, _, _ in self.log], "paid": round(sum(price for _, price, _ in self.log), 1),
            "invalid": self.invalid, "place": self.place, "token": self.token,
            "switched": None if self.switched is None else list(self.switched),
        }  # fmt: skip

    def _wrong(self, why: str) -> ToolResult:
        self.invalid += 1
        return ToolResult(f"error: {why}", "error")

    def _holds(self) -> str:
        return handle(self.now.kind, self.token, self.place) if self.place else "nothing yet"

    def _happens(self) -> str:
        """The event, once its time has come and the plan is not finished."""
        if self.switched is not None or self.event.kind == "none" or len(self.log) < self.event.after:
            return ""
        if self.place >= self.now.length:
            return ""
        self.switched = (len(self.log), self.place)
        self.now, self.wanted, place, said = changed(self.now, self.wanted, self.place, self.event)
        self.place, self.token = place, self.token if place else ""
        return f"\nNotice: {said}"


def changed(
    graph: Graph, wants: Mapping[str, str], place: int, event: Event
) -> tuple[Graph, Mapping[str, str], int, str]:
    """Graph, preferences and step after an event at a step, and how it is told."""
    rng = random.Random(f"event {event.seed}")
    if event.kind == "preference_change":
        key = rng.choice([one for one in sorted(graph.attributes) if len(graph.attributes[one]) > 1])
        value = next(one for one in rng.sample(graph.attributes[key], len(graph.attributes[key])) if one != wants[key])
        return graph, {**wants, key: value}, 0, f"the user now wants {key} {value}; what is there is void, begin again."
    if event.kind == "ban_tool":
        best = graph.cheapest(place)[1]
        rest = [one for one in graph.offers if one.name not in best or one.end - one.start == 1]
        gone = sorted({one.name for one in graph.offers} - {one.name for one in rest})
        return replace(graph, offers=tuple(rest)), wants, place, f"no longer offered: {', '.join(gone) or 'nothing'}."
    if event.kind == "steplen_change":
        kept = [one for one in graph.offers if one.end - one.start <= 2]
        return replace(graph, offers=tuple(kept)), wants, place, "bundles of more than two steps are no longer offered."
    offers = tuple(replace(one, price=round(one.price * rng.choice((0.5, 1.0, 2.0)), 1)) for one in graph.offers)
    told = ", ".join(f"{one.name} {one.price:g}" for one in offers if one.start >= place)
    return replace(graph, offers=offers), wants, place, f"prices changed: {told}"


def identity(kind: str, preferences: Mapping[str, Any]) -> str:
    """What stands for the thing that fits preferences: the same for the same ones."""
    text = kind + "|".join(f"{key}={preferences[key]}" for key in sorted(preferences))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def handle(kind: str, token: str, place: int) -> str:
    """What a call gives: the plan so far."""
    return f"{kind}:{token}:{place}"


def tools(graph: Graph) -> tuple[Tool, ...]:
    """The offers as tools; prices are told by the world, since they may change."""
    prefer = {key: {"type": "string", "enum": list(values)} for key, values in graph.attributes.items()}
    takes = {"input": {"type": "string", "description": "What the step before gave, as it stands."}}
    made = []
    for offer in graph.offers:
        properties = prefer if offer.start == 0 else takes
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        steps = offer.end - offer.start
        about = f"Steps {offer.start + 1} to {offer.end} of {graph.length} in one call." if steps > 1 else (
            f"Step {offer.end} of {graph.length}.")  # fmt: skip
        made.append(Tool(offer.name, about, schema, acts=True, source="tool_graph"))
    return tuple(made)
