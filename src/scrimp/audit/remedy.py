"""The two kinds of remedy: a registered Transform, the very one that a run and a proxy use, or a change of a Draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scrimp.audit.draft import Draft, Exactness
from scrimp.core.registry import create
from scrimp.core.transform import Transform
from scrimp.core.usage import Usage

ASK_AGAIN = 60
"""Tokens that a model writes to ask for a result again."""


@dataclass(frozen=True)
class ByTransform:
    """A remedy that is a registered Transform.

    Attributes:
        parameters: of the Transform; `simulated` take their place in the what-if.
        reread: share of the rewritten tool results that the agent is taken to ask for again, at its own cost: what was
            left out of them is paid once more as fresh, and the call that asks for it.
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
        return self._reread(draft, changed) if self.reread else changed

    def settings(self) -> dict[str, Any]:
        """The `[[transform]]` table that switches it on."""
        return {"transform": [{"name": self.name, **self.parameters}]}

    def _reread(self, draft: Draft, changed: Draft) -> Draft:
        """What asking again for some of the results costs."""
        before, after = draft.asks[-1].request.messages, changed.asks[-1].request.messages
        sizes = draft.run.sizes
        lost = [
            sizes.message(old) - sizes.message(new) for old, new in zip(before, after, strict=False) if old is not new
        ]
        again = Usage(
            input=round(self.reread * sum(lost) * draft.run.scale), output=round(self.reread * len(lost) * ASK_AGAIN)
        )
        return changed.with_(extra=[*changed.extra, (draft.asks[-1].model, again)])


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
    """A model's name with an option behind its question mark."""
    return f"{model}{'&' if '?' in model else '?'}{key}={value}"
