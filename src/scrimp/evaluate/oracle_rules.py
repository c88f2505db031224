"""What an oracle says to each prompt, in one table shared by all methods.

A rule gets a `Mind` (what the prompt shows, and how this oracle errs) and gives a Reply. A method
whose prompt has another name adds a rule with `@rule("name")` to its room's file in `oracle_says/`, or
calls its prompt by a name of the table; nothing may look at gold except through the Mind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.messages import Request, ToolCall, ToolSpec
from scrimp.evaluate.benchmarks.gold import Ref, Step
from scrimp.evaluate.oracle_evidence import MISSING, Sight, refs

CANNOT = "I cannot tell."
"""What an oracle answers where the prompt does not hold the evidence."""

SUBGOAL = 5
"""Steps of an oracle's sub-goal, where it is told to work in sub-goals."""

THOUGHT = (
    "Let me look at what is asked and at what the tools can do before I take the next step, so that each value comes "
    "from a result and none from memory"
)
"""What an oracle thinks, over and over, for as many words as it is told to."""


@dataclass(frozen=True)
class Habits:
    """How an oracle behaves.

    Attributes:
        error: chance from 0 to 1 that a gold step goes wrong (a wrong argument), or a direct answer.
        correlation: share of the draws that every System shares, since they hang on seed, task and
            step only; the others hang on the prompt as well, and on the seed of a warm request. 1 is "by step".
        seed: another seed errs elsewhere.
        words: words of thought before a call or a plan.
        overhead: tokens of wrapping per native call.
        cache_min: fewest tokens of a prefix that the simulated cache serves.
    """

    error: float = 0.0
    correlation: float = 1.0
    seed: int = 0
    words: int = 20
    overhead: int = 8
    cache_min: int = 0


@dataclass(frozen=True)
class Reply:
    """Words, calls, or both."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True)
class Ready:
    """A call that could be made next."""

    name: str
    arguments: Mapping[str, Any]
    made: int = 0


@dataclass
class Mind:
    """One request, as one oracle understands it."""

    sight: Sight
    habits: Habits
    salt: str
    _values: dict[int, Any] = field(default_factory=dict)

    # -- erring

    def errs(self, place: int) -> bool:
        """Whether this oracle errs at a gold step (-1: at an answer without a call)."""
        key = f"{self.habits.seed}|{self.sight.task.id}|{place}"
        if chance("shared", key) >= self.habits.correlation:
            key = f"{key}|{self.salt}"
        return chance("error", key) < self.habits.error

    # -- evidence

    def call_of(self, place: int, *, slipped: bool, known: Callable[[int], Any]) -> Mapping[str, Any]:
        """Arguments of a gold step, right or with its slip; `known` says earlier results."""
        step = self.sight.gold.steps[place]
        name, value = step.slip
        return {
            key: value if slipped and key == name else known(item.step) if isinstance(item, Ref) else item
            for key, item in step.arguments.items()
        }

    def name_of(self, step: Step) -> str | None:
        """The tool that this oracle takes for a step: gold's, a look-alike where that is not offered, or none."""
        return step.tool if self.sight.may_call(step.tool) else self.sight.stand_in(step)

    def _look(self, place: int) -> tuple[Any, int]:
        step = self.sight.gold.steps[place]
        names = [step.tool]
        if not self.sight.may_call(step.tool) and (other := self.sight.stand_in(step)) is not None:
            names.append(other)
        arguments = self.call_of(place, slipped=self.errs(place), known=self.value)
        variants = [(name, arguments) for name in names]
        return self.sight.result(place, variants, self._others(place) if refs(step) else ())

    def _others(self, place: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Calls of the same tool that belong to other steps, as far as they can be told without this one."""
        gold = self.sight.gold
        return [
            (step.tool, self.call_of(other, slipped=slipped, known=self.value))
            for other, step in enumerate(gold.steps)
            if step.tool == gold.steps[place].tool and (other < place or (other > place and not refs(step)))
            for slipped in (False, True)
        ]

    def value(self, place: int) -> Any:
        """The result of a gold step as the prompt shows it, else MISSING."""
        if place not in self._values:
            self._values[place] = self._look(place)[0]
        return self._values[place]

    @cached_property
    def final(self) -> str | None:
        """The answer that the visible results make, None where one is missing."""
        gold = self.sight.gold
        if gold.ordered and self.taken < len(gold.steps):
            return None
        values = [] if gold.ordered else [self.value(place) for place in gold.read]
        if any(value is MISSING for value in values) or not all(map(self.sight.shows, gold.evidence)):
            return None
        if gold.says:
            return gold.wrong if gold.wrong and self.errs(-1) else gold.says
        if not values:
            return None
        return "; ".join(value if isinstance(value, str) else json.dumps(value) for value in values)

    @cached_property
    def taken(self) -> int:
        """How many steps of an ordered way are taken; a step that went wrong is gone on from as if right."""
        ways = [
            [(name, self.call_of(place, slipped=slipped, known=self.value)) for slipped in (False, True)]
            for place, step in enumerate(self.sight.gold.steps)
            for name in [self.name_of(step) or step.tool]
        ]
        return self.sight.taken(ways)

    def ready(self) -> list[Ready]:
        """Calls that are needed, not yet made, and whose arguments the prompt holds; each at most twice."""
        if self.sight.gold.ordered:
            return self._next()
        wanted = [place for place in self.sight.gold.read if self.value(place) is MISSING]
        found: dict[int, Ready] = {}
        met: set[int] = set()
        while wanted:
            place = wanted.pop()
            if place in met:
                continue
            met.add(place)
            step = self.sight.gold.steps[place]
            erring = self.errs(place)
            open_refs = [
                ref for ref in refs(step) if self.value(ref) is MISSING and not (erring and _covers(step, ref))
            ]
            wanted.extend(open_refs)
            name = self.name_of(step)
            made = self._look(place)[1]
            if not open_refs and name is not None and made < 2:
                found[place] = Ready(name, self.call_of(place, slipped=erring, known=self.value), made)
        return [found[place] for place in sorted(found)]

    def _next(self) -> list[Ready]:
        """The next step of an ordered way, gone wrong where its evidence does not show; none where a result is gone."""
        place, steps = self.taken, self.sight.gold.steps
        name = self.name_of(steps[place]) if place < len(steps) else None
        if name is None:
            return []
        blind = not all(map(self.sight.shows, steps[place].evidence))
        arguments = self.call_of(place, slipped=blind or self.errs(place), known=self.value)
        return [] if any(value is MISSING for value in arguments.values()) else [Ready(name, arguments)]

    # -- without a call

    @property
    def direct(self) -> bool:
        """Whether the task needs no call."""
        return bool(self.sight.gold.direct)

    def answer_directly(self) -> Reply:
        """The answer that needs no call; an erring oracle calls something, or says something wrong."""
        gold = self.sight.gold
        if not self.errs(-1):
            return Reply(gold.direct)
        if gold.wrong:
            return Reply(gold.wrong)
        call = self.decoy
        if call is None:
            return Reply("42")
        made = [seen for seen in self.sight.seen if seen.name == call[0]]
        return Reply(made[-1].text) if made else Reply(self.thought, (call,))

    @cached_property
    def decoy(self) -> tuple[str, Mapping[str, Any]] | None:
        """A call that helps nobody, to an offered tool drawn by seed and task."""
        names = sorted(self.sight.offered)
        if not names:
            return None
        key = f"{self.habits.seed}|{self.sight.task.id}"
        spec = self.sight.offered[names[int(chance("decoy", key) * len(names))]]
        return spec.name, _made_up(spec)

    @cached_property
    def thought(self) -> str:
        """As many words of thought as this oracle thinks before it acts."""
        return " ".join(islice(cycle(THOUGHT.split()), self.habits.words))

    @property
    def thinking(self) -> str:
        """The thought before a call; every fifth step under a sub-goal, where the instructions ask for them."""
        if "`Subgoal: ...`" not in self.sight.words or self.taken % SUBGOAL:
            return self.thought
        return f"Subgoal: take steps {self.taken + 1} to {self.taken + SUBGOAL}\n{self.thought}"


Rule = Callable[[Mind], Reply]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule under the names of the prompts it answers."""

    def enter(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return enter


def reply(mind: Mind, prompt: str) -> Reply:
    """What is said to the prompt `name@version`.

    Raises:
        UnknownName: the table has no rule for the prompt.
    """
    name = prompt.partition("@")[0]
    if name not in RULES:
        import scrimp.evaluate.oracle_says  # noqa: F401 - enters the rules of the rooms
    if name not in RULES:
        raise UnknownName("oracle rule for a prompt", name, RULES)
    return RULES[name](mind)


Clerk = Callable[[Request, Habits], Reply]
CLERKS: dict[str, Clerk] = {}


def clerical(*names: str) -> Callable[[Clerk], Clerk]:
    """Enter what is said to prompts about no task (a memory's, while it writes): work on the text shown, no gold."""

    def enter(function: Clerk) -> Clerk:
        for name in names:
            CLERKS[name] = function
        return function

    return enter


def clerk(request: Request, habits: Habits) -> Reply | None:
    """What is said to a request that shows no task; None where nobody does such work."""
    import scrimp.evaluate.oracle_says  # noqa: F401 - enters the rules of the rooms

    work = CLERKS.get(request.prompt.partition("@")[0])
    return None if work is None else work(request, habits)


@rule("", "react")
def react(mind: Mind) -> Reply:
    """The next native call or all that are ready; the answer once the prompt shows what it takes."""
    if mind.direct:
        return mind.answer_directly()
    if mind.final is not None:
        return Reply(mind.final)
    calls = [(call.name, call.arguments) for call in mind.ready()]
    if not calls:
        return Reply(CANNOT)
    return Reply(mind.thinking, tuple(calls if mind.sight.request.parallel_calls else calls[:1]))


@rule("answer", "solve", "react-conclude", "last-answer")
def answer(mind: Mind) -> Reply:
    """The answer that the visible results make; no calls."""
    if not mind.direct:
        return Reply(CANNOT if mind.final is None else mind.final)
    said = mind.answer_directly()
    return Reply(said.text if not said.calls else "42")


@rule("calls")
def calls(mind: Mind) -> Reply:
    """Every gold call whose arguments are known, at once; no results are awaited."""
    made = [(call.name, call.arguments) for call in mind.ready()]
    return Reply("", tuple(made)) if made else Reply(mind.sight.gold.direct or CANNOT)


def planned(mind: Mind, reference: str) -> list[tuple[str, Mapping[str, Any]]]:
    """All calls that can be foreseen, `reference` with the number of a step in the place of its result."""
    steps: list[tuple[str, Mapping[str, Any]]] = []
    gold = mind.sight.gold
    for place, step in enumerate(gold.steps[: gold.foreseen or None]):
        name = mind.name_of(step)
        if name is None or mind.direct:
            break
        steps.append((name, mind.call_of(place, slipped=mind.errs(place), known=lambda ref: reference.format(ref + 1))))
    if mind.direct and mind.errs(-1) and not gold.wrong and mind.decoy is not None:
        steps.append(mind.decoy)
    return steps


@rule("plan")
def plan(mind: Mind) -> Reply:
    """All steps that can be foreseen as JSON, `$n` for the result of step n; it ends before one nobody can take."""
    steps = [{"tool": name, "arguments": dict(arguments)} for name, arguments in planned(mind, "${}")]
    return Reply(_json(mind, {"steps": steps}))


@rule("gate")
def gate(mind: Mind) -> Reply:
    """Whether to call, as JSON; an erring oracle says the opposite."""
    needed = mind.sight.gold.needs_call
    call = needed is not mind.errs(-1)
    said = "" if call else mind.sight.gold.direct or CANNOT
    return Reply(_json(mind, {"call": call, "confidence": 0.9, "answer": said}))


def _json(mind: Mind, data: dict[str, Any]) -> str:
    """JSON with what the schema asks for besides, and without what it forbids."""
    return json.dumps(_complete(mind.sight.request.schema or {}, data, mind.thought), ensure_ascii=False)


def _complete(schema: Mapping[str, Any], data: Any, thought: str) -> Any:
    if isinstance(data, list):
        return [_complete(schema.get("items", {}), item, thought) for item in data]
    properties = schema.get("properties")
    if not isinstance(data, dict) or not properties:
        return data
    out = {}
    for name, inner in properties.items():
        if name in data:
            out[name] = _complete(inner, data[name], thought)
        elif name in schema.get("required", ()):
            out[name] = _empty(inner, thought)
    if schema.get("additionalProperties", True) is not False:
        out.update({name: value for name, value in data.items() if name not in out})
    return out


def _empty(schema: Mapping[str, Any], words: str) -> Any:
    schema = schema.get("anyOf", (schema,))[0]
    if schema.get("enum"):
        return schema["enum"][0]
    empty = {"string": words, "integer": 1, "number": 1.0, "boolean": False, "array": [], "object": {}}
    return empty.get(str(schema.get("type", "")), words)


def _made_up(spec: ToolSpec) -> dict[str, Any]:
    properties = spec.parameters.get("properties", {})
    required = spec.parameters.get("required", properties)
    invented = {name: _empty(properties[name], "Nobody") for name in required if name in properties}
    return {name: [1, 2, 3] if value == [] else value for name, value in invented.items()}


def _covers(step: Step, ref: int) -> bool:
    """Whether the slip of a step stands where it would refer to `ref`."""
    value = step.arguments.get(step.slip[0])
    return isinstance(value, Ref) and value.step == ref and refs(step).count(ref) == 1


def chance(what: str, key: str) -> float:
    """A number from 0 to 1 that hangs on its words only."""
    return int.from_bytes(hashlib.blake2b(f"{what}|{key}".encode(), digest_size=7).digest()) / 2**56


def as_calls(found: Reply, already: int) -> tuple[ToolCall, ...]:
    """The calls of a reply with ids that no earlier call of the prompt has."""
    return tuple(
        ToolCall(f"call_{already + place}", name, dict(arguments))
        for place, (name, arguments) in enumerate(found.calls, 1)
    )
