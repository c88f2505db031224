"""Tools that were offered in every call and never used in the run."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from scrimp.audit.index import Finding, Index, plus
from scrimp.core.messages import ToolSpec

NAME = "unused-tools"
TITLE = "Tools offered and never used"
HINT = "top-k-tools"


def find(index: Index) -> Iterator[Finding]:
    """One finding a run: the schemas of all tools that it never called, in all its prompts."""
    if not index.run.trace.tools_told:
        return  # put together from the calls that were made: nothing is known of the others
    used = {call.name for _, one in index.calls for call in one.step.answer.tool_calls}
    used |= {use.call.name for use in index.run.trace.tools}
    tokens, cost = 0, Decimal(0)
    whole: Decimal | None = cost
    names: dict[str, None] = {}
    known: dict[int, tuple[ToolSpec, ...]] = {}
    for at, call in index.calls:
        offered = call.step.request.tools
        if id(offered) not in known:
            known[id(offered)] = tuple(spec for spec in offered if spec.name not in used)
        idle = known[id(offered)]
        if idle:
            names |= dict.fromkeys(spec.name for spec in idle)
            more, price = index.kept(index.run.sizes.tools(idle), (at,))
            tokens, whole = tokens + more, plus(whole, price)
    if names:
        first = index.calls[0][0]
        some = ", ".join(list(names)[:5]) + ("..." if len(names) > 5 else "")
        detail = f"{len(names)} tools were offered and never called ({some})"
        yield Finding(NAME, first, index.where(first), detail, tokens, whole)
