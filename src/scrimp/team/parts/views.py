"""Which agents hold the same view, and which views are new to whom.

A view is a number that alike answers share. Two ways to tell alike answers, both of S2-MAD (arXiv 2502.04790): the
final answers read the same, or the whole answers are close as vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scrimp.core.context import Context
from scrimp.core.task import Answer
from scrimp.planning.parts.votes import ballot

Views = Mapping[str, int]
"""Agent -> the view it holds. An agent that has not answered holds none."""


def by_answer(answers: Mapping[str, Answer]) -> Views:
    """Alike are answers that would vote for the same."""
    seen: dict[str, int] = {}
    return {name: seen.setdefault(ballot(answer), len(seen)) for name, answer in answers.items()}


async def by_words(texts: Mapping[str, str], closeness: float, ctx: Context) -> Views:
    """Alike are texts whose cosine with the first text of a view is at least `closeness`."""
    if not texts:
        return {}
    rows = await ctx.embed(list(texts.values()))
    views: dict[str, int] = {}
    firsts: list[int] = []
    for place, name in enumerate(texts):
        near = [view for view, first in enumerate(firsts) if float(rows[place] @ rows[first]) >= closeness]
        if not near:
            firsts.append(place)
        views[name] = near[0] if near else len(firsts) - 1
    return views


def agreed(views: Views) -> bool:
    """Whether nobody who has answered holds another view."""
    return len(set(views.values())) <= 1


def new_within(group: Sequence[str], views: Views) -> list[tuple[str, str]]:
    """Pairs of (speaker, hearer): each hears one speaker for each view of the group that is not its own."""
    return [pair for hearer in group for pair in _told(hearer, group, {views.get(hearer)}, views)]


def new_across(groups: Sequence[Sequence[str]], views: Views) -> list[tuple[str, str]]:
    """Pairs of (speaker, hearer): all of a group hear one speaker for each view that nobody in the group holds."""
    found = []
    for group in groups:
        own = {views.get(name) for name in group}
        others = [name for other in groups if other is not group for name in other]
        found += [pair for hearer in group for pair in _told(hearer, others, own, views)]
    return found


def _told(hearer: str, speakers: Sequence[str], known: set[int | None], views: Views) -> list[tuple[str, str]]:
    """One speaker for each view that is not known, in the order of speakers."""
    firsts: dict[int, str] = {}
    for speaker in speakers:
        if speaker in views and views[speaker] not in known:
            firsts.setdefault(views[speaker], speaker)
    return [(speaker, hearer) for speaker in firsts.values()]
