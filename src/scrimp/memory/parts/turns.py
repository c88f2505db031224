"""Raw turns in a store: what the memories keep that keep everything, and what others build on."""

from __future__ import annotations

from collections.abc import Sequence

from scrimp.core.context import Context
from scrimp.core.protocols import Scored
from scrimp.core.records import Record, Records
from scrimp.core.task import Episode
from scrimp.memory.parts.recalled import Line

TURN = "turn"


async def keep(records: Records, episode: Episode, ctx: Context, *, embed: bool = True) -> None:
    """Keep an episode as it was said; nothing for an empty one."""
    if not episode.text.strip():
        return
    vector = (await ctx.embed([episode.text]))[0] if embed else None
    turn = Record(text=episode.text, kind=TURN, sources=(episode.source,), valid_from=episode.at or None, vector=vector)
    await records.put([turn])


def line(record: Record) -> Line:
    """A kept turn as a piece of a recall."""
    return Line(record.text, record.sources, record.valid_from or record.created)


def lines(found: Sequence[Scored[Record]]) -> list[Line]:
    """Found turns as pieces of a recall, the best first."""
    return [line(one.item) for one in found]
