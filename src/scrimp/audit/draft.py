"""What a run would have been: a remedy rewrites a Draft, and the Draft is billed once, whatever was done to it.

That is how combinations are evaluated together: each remedy works on what those before it left, and the cache, the
prices and the seconds are reckoned at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from scrimp.audit.measure import Run
from scrimp.audit.trace import ToolUse
from scrimp.core.messages import Request
from scrimp.core.usage import Usage

Exactness = Literal["exact", "hindsight bound", "behavioural"]


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

    def with_(self, **changes: Any) -> Ask:
        """A copy with some fields changed."""
        return replace(self, **changes)


@dataclass(slots=True)
class Draft:
    """A run as it would have been.

    Attributes:
        run: the run as it was, with its figures.
        asks: the model calls.
        tools: the tool calls.
        extra: calls that a remedy itself makes (summaries, embeddings, escalations): model and tokens.
        extra_seconds: seconds they take, and seconds that waiting costs; negative where work now runs side by side.
        caching: whether the prompt cache is switched on by a remedy, with every hit that is possible; None for as it
            was in the record.
        warm: whether what earlier runs left in the cache still serves the first call; not where each run's prompt
            begins in a way of its own.
    """

    run: Run
    asks: list[Ask]
    tools: list[ToolUse]
    extra: list[tuple[str, Usage]] = field(default_factory=list)
    extra_seconds: float = 0.0
    caching: bool | None = None
    warm: bool = True

    def with_(self, **changes: Any) -> Draft:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def rewritten(self, rewrite: Callable[[Request], Request]) -> Draft:
        """A copy whose requests went through a rewriting; this same draft where it changed nothing."""
        asks, changed = [], False
        for ask in self.asks:
            request = rewrite(ask.request)
            changed = changed or request is not ask.request
            asks.append(ask if request is ask.request else ask.with_(request=request))
        return self.with_(asks=asks) if changed else self


def draft(run: Run) -> Draft:
    """The run as it was."""
    asks = [
        Ask(at, call.step.request, call.model, call.usage.output, call.usage.reasoning, call.step.started,
            call.step.seconds)
        for at, call in enumerate(run.calls)
    ]  # fmt: skip
    return Draft(run, asks, list(run.trace.tools))


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
