"""How what a memory found becomes a Recall: lines within a limit of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from scrimp.core.context import Context
from scrimp.core.protocols import Recall


@dataclass(frozen=True)
class Line:
    """A piece of a recall: its words, where they come from, and when it was."""

    text: str
    sources: tuple[str, ...] = ()
    at: float = 0.0


def packed(lines: Sequence[Line], limit: int, ctx: Context, *, ordered: bool = True) -> Recall:
    """As many lines as the limit bears.

    Args:
        lines: the most useful first; one that does not fit is left out, and shorter ones after it may fit.
        limit: tokens, by `ctx.estimate`; a recall never passes it.
        ordered: show them in the order of their time instead of their use.
    """
    chosen: list[Line] = []
    used = 0
    for line in lines:
        size = ctx.estimate(f"{line.text}\n")
        if line.text and used + size <= limit:
            chosen.append(line)
            used += size
    if ordered:
        chosen.sort(key=lambda line: line.at)
    while chosen and ctx.estimate("\n".join(line.text for line in chosen)) > limit:
        chosen.pop()
    sources = dict.fromkeys(source for line in chosen for source in line.sources if source)
    return Recall("\n".join(line.text for line in chosen), tuple(sources))


def date(at: float) -> str:
    """A moment as a date (UTC); empty for none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d") if at else ""


def dated(text: str, at: float) -> str:
    """A text with its date before it."""
    return f"[{date(at)}] {text}" if at else text


def sources_of(found: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """All sources, each once, in their order."""
    return tuple(dict.fromkeys(source for sources in found for source in sources if source))
