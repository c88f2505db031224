"""The two kinds of remedy: a registered Transform, the very one that a run and a proxy use, or a change of a Draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scrimp.audit.draft import Draft, Exactness, Extra
from scrimp.core.registry import create
from scrimp.core.transform import Transform
from scrimp.core.usage import Usage

ASK_AGAIN = 60
"""Tokens that a model writes to ask for a result again, or for a tool that it was not offered."""


@dataclass(frozen=True)
class ByTransform:
    """A remedy that is a registered Transform.

    Attributes:
        parameters: of the Transform; `simulated` take their place in the what-if.
        reread: share of the rewritten messages that the agent is taken to ask for again, at its own cost: one more call
            with its whole prompt, and what had been left out as fresh.
        warm: whether runs still begin alike, so that one finds in the cache what another left.
    """

    name: str
    title: str
    exactness: Exactness
    assumes: str
    how: str
    rank: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    simulated: Mapping[str, Any] = field(default_factory=dict)
    reread: float = 0.0
    warm: bool = True

    @cached_property
    def transform(self) -> Transform:
        """The Transform, opened when it is first needed."""
        made: Transform = create("transform", self.name, {**self.parameters, **self.simulated})
        return made

    def apply(self, draft: Draft) -> Draft:
        """The draft with rewritten requests; the same object where nothing changes."""
        changed = draft.rewritten(self.transform.apply)
        if changed is draft:
            return draft
        if not self.warm:
            changed = changed.with_(warm=False)
        if self.reread:
            changed = self._reread(draft, changed)
        return looked_up(draft, changed)

    def settings(self) -> dict[str, Any]:
        """The `[[transform]]` table that switches it on."""
        return {"transform": [{"name": self.name, **self.parameters}]}

    def _reread(self, draft: Draft, changed: Draft) -> Draft:
        """What asking again for some of the messages costs."""
        sizes, lost = draft.run.sizes, dict[int, int]()
        prompts = []
        for was, now in zip(draft.asks, changed.asks, strict=True):
            if now.request is was.request:
                continue
            prompts.append(changed.prompt(now))
            for old, new in zip(was.request.messages, now.request.messages, strict=False):
                if old is not new and id(old) not in lost:
                    lost[id(old)] = sizes.message(old) - sizes.message(new)
        calls = self.reread * len(lost)
        resent = round(calls * sum(prompts) / len(prompts))
        fresh = round(self.reread * sum(lost.values()) * draft.scale)
        usage = Usage(input=resent + fresh, output=round(calls * ASK_AGAIN))
        return changed.calling(
            Extra(draft.asks[-1].model, usage, resent, longest=max(prompts)), written=calls * ASK_AGAIN
        )


def looked_up(draft: Draft, changed: Draft) -> Draft:
    """The changed draft with one more call for every tool that the run called but was no longer offered.

    The next requests hold the call that was made, so that each tool is missing once.
    """
    missing: set[tuple[str, str]] = set()
    extra, written = [], 0
    for was, now in zip(draft.asks, changed.asks, strict=True):
        if now.request.tools is was.request.tools:
            continue
        step = draft.run.calls[was.step].step
        offered = {spec.name for spec in now.request.tools}
        known = {spec.name for spec in was.request.tools}
        for call in step.answer.tool_calls:
            if call.name in known and call.name not in offered and (step.agent, call.name) not in missing:
                missing.add((step.agent, call.name))
                prompt = changed.prompt(now)
                extra.append(Extra(was.model, Usage(input=prompt, output=ASK_AGAIN), prompt))
                written += ASK_AGAIN
    return changed.calling(*extra, written=written) if extra else changed


@dataclass(frozen=True)
class Change:
    """A remedy that changes which calls are made, or how they are served.

    Attributes:
        change: the draft with it; the same object where it changes nothing.
        keys: what switches it on in a System; empty where it takes a change of the agent.
    """

    name: str
    title: str
    exactness: Exactness
    assumes: str
    how: str
    rank: int
    change: Callable[[Draft], Draft]
    keys: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, draft: Draft) -> Draft:
        """The draft with this remedy."""
        return self.change(draft)

    def settings(self) -> dict[str, Any]:
        """Keys of a System."""
        return dict(self.keys)


def with_option(model: str, key: str, value: str) -> str:
    """A model's name with an option behind its question mark; in `URL#NAME` that of the name."""
    address, mark, behind = model.partition("#")
    return f"{model}{'&' if '?' in (behind if mark else address) else '?'}{key}={value}"
