"""What a run would have been: a remedy rewrites a Draft, and the Draft is billed once, whatever was done to it.

That is how combinations are evaluated together: each remedy works on what those before it left, and the cache, the
prices and the seconds are reckoned at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from scrimp.audit.measure import Call, Run
from scrimp.audit.trace import ToolUse
from scrimp.core.messages import Request, ToolSpec
from scrimp.core.usage import Usage

Exactness = Literal["exact", "hindsight bound", "behavioural"]

BELIEVED = (0.5, 2.0)
"""Real tokens for each estimated one that an estimate can be off by; what lies outside has another cause."""

NOTICED = (200, 0.25)
"""Tokens, and share of the estimate, from which on a prompt holds more than its texts."""


@dataclass(slots=True)
class Ask:
    """A model call as it would have been.

    Attributes:
        step: index of the recorded call it comes from.
        model: may say how it is served (`?service=batch`) and for how long it is cached (`?cache=1h`).
        output: tokens written, `reasoning` included.
        at: seconds since the epoch; None where the record has no times.
        seconds: how long it takes; None where the record does not say.
    """

    step: int
    request: Request
    model: str
    output: int
    reasoning: int = 0
    at: float | None = None
    seconds: float | None = None

    def asking(self, request: Request) -> Ask:
        """A copy with another request: what most remedies make, so it is made fast."""
        return Ask(self.step, request, self.model, self.output, self.reasoning, self.at, self.seconds)

    def with_(self, **changes: Any) -> Ask:
        """A copy with some fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Extra:
    """Calls that a remedy itself makes, beside the agent's: summaries, escalations, results asked for again.

    Attributes:
        usage: their tokens; `input` holds the whole prompts.
        resent: of `input`, what the agent's call before sent too, so that the cache serves it as it serves the agent.
        longest: tokens of the prompt of one of them, by which it is priced; 0 where `usage` is that of one call.
    """

    model: str
    usage: Usage
    resent: int = 0
    longest: int = 0


@dataclass(slots=True)
class Draft:
    """A run as it would have been.

    Attributes:
        run: the run as it was, with its figures.
        asks: the model calls of the agent; judges and simulated users are no part of it.
        tools: the tool calls.
        extra: calls that a remedy itself makes.
        extra_seconds: seconds they take, and seconds that waiting costs; negative where work now runs side by side.
        caching: True where a remedy switches the prompt cache on, with every hit that is possible; False where calls
            lie so far apart that it cannot be relied on; None for as it was in the record.
        warm: whether what earlier runs left in the cache still serves the first call; not where each run's prompt
            begins in a way of its own.
        scale: real tokens for each estimated one, of a text that a remedy takes out or puts in.
        hidden: by agent, tokens that its prompts begin with and the record does not hold.
    """

    run: Run
    asks: list[Ask]
    tools: list[ToolUse]
    extra: list[Extra] = field(default_factory=list)
    extra_seconds: float = 0.0
    caching: bool | None = None
    warm: bool = True
    scale: float = 1.0
    hidden: Mapping[str, int] = field(default_factory=dict)

    def with_(self, **changes: Any) -> Draft:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def rewritten(self, rewrite: Callable[[Request], Request]) -> Draft:
        """A copy whose requests went through a rewriting; this same draft where it changed nothing.

        Equal lists of rewritten tools become one object, so that they are counted and laid out once.
        """
        asks, changed = [], False
        lists: dict[tuple[int, ...], tuple[ToolSpec, ...]] = {}
        for ask in self.asks:
            request = rewrite(ask.request)
            if request is ask.request:
                asks.append(ask)
                continue
            if request.tools is not ask.request.tools:
                tools = lists.setdefault(tuple(map(id, request.tools)), request.tools)
                request = request if tools is request.tools else request.with_(tools=tools)
            asks.append(ask.asking(request))
            changed = True
        return self.with_(asks=asks) if changed else self

    def calling(self, *extra: Extra, written: float) -> Draft:
        """A copy with calls that a remedy makes; they take as long for each token written as the run did."""
        return self.with_(
            extra=[*self.extra, *extra], extra_seconds=self.extra_seconds + written * (self.pace() or 0.0)
        )

    def prompt(self, ask: Ask) -> int:
        """Prompt tokens of a call: the record's, less what a remedy took out (its estimate, scaled)."""
        call = self.run.calls[ask.step]
        if ask.request is call.step.request:
            return call.usage.prompt
        return max(0, call.usage.prompt - round(self.scale * (call.prompt - self.run.sizes.request(ask.request))))

    def pace(self) -> float | None:
        """Seconds that the run took for each token written; None where the record has no times."""
        timed = [call for call in self.run.calls if call.step.seconds is not None and call.usage.output]
        written = sum(call.usage.output for call in timed)
        return sum(call.step.seconds or 0.0 for call in timed) / written if written else None


def draft(run: Run) -> Draft:
    """The run as it was."""
    asks = [
        Ask(at, call.step.request, call.model, call.usage.output, call.usage.reasoning, call.step.started,
            call.step.seconds)
        for at, call in enumerate(run.calls) if call.event.component != "harness"
    ]  # fmt: skip
    scale = scale_of(run)
    return Draft(run, asks, list(run.trace.tools), scale=scale, hidden=hidden_of(run, scale))


def scale_of(run: Run) -> float:
    """Real tokens for each estimated one, read off how prompts grow from one call to the next.

    Growth tells it better than whole prompts do: where a record leaves out the system prompt or the tools, prompts
    are many times what their texts come to, but what is added to them is not.
    """
    grown = guessed = 0
    before: dict[str, Call] = {}
    for call in run.calls:
        last = before.get(call.step.agent)
        if call.told and last is not None and call.prompt > last.prompt:
            grown += call.usage.prompt - last.usage.prompt
            guessed += call.prompt - last.prompt
        if call.told:
            before[call.step.agent] = call
    for scale in (grown / guessed if guessed else 0.0, run.scale):
        if BELIEVED[0] <= scale <= BELIEVED[1]:
            return scale
    return 1.0


def hidden_of(run: Run, scale: float) -> dict[str, int]:
    """By agent, tokens that all its prompts have beyond their texts: a system prompt or tools that no record holds.

    Logs of coding agents leave both out. What estimates may be off by is no such thing.
    """
    beyond: dict[str, tuple[int, int]] = {}
    for call in run.calls:
        if call.told and call.event.component != "harness":
            seen = round(scale * call.prompt)
            beyond[call.step.agent] = min(beyond.get(call.step.agent, (call.usage.prompt, 0)),
                                          (call.usage.prompt - seen, seen))  # fmt: skip
    return {agent: rest for agent, (rest, seen) in beyond.items() if rest > NOTICED[0] + NOTICED[1] * seen}


class Remedy(Protocol):
    """One way to make runs cheaper: a module-level object of its file in `remedies/`.

    Attributes:
        name: as in `scrimp audit --json`; the same as the method's where it is a registered Transform.
        exactness: EVIDENCE rule 11.
        assumes: what has to hold for the figure, in one sentence, with the constants it rests on.
        how: what to do, in one sentence.
        rank: place in a combination: what removes calls first, then what shortens prompts from the back, then what
            rearranges them, then cache, tier and model.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def exactness(self) -> Exactness: ...
    @property
    def assumes(self) -> str: ...
    @property
    def how(self) -> str: ...
    @property
    def rank(self) -> int: ...

    def apply(self, draft: Draft) -> Draft:
        """The draft with this remedy; the same object where it changes nothing."""
        ...

    def settings(self) -> dict[str, Any]:
        """What switches it on in a System, as TOML has it; empty where it takes a change of the agent.

        `{"transform": [{"name": "window", "turns": 6}]}`, `{"effort": "low"}`, `{"model": "?cache=1h"}`.
        """
        ...


def apply_all(remedies: Sequence[Remedy], run: Run) -> Draft:
    """The run with several remedies together, in the order that does not break the cache."""
    result = draft(run)
    for remedy in sorted(remedies, key=lambda item: item.rank):
        result = remedy.apply(result)
    return result
