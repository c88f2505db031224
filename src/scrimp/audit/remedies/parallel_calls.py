"""Independent calls, asked for together."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.index import Index
from scrimp.audit.remedy import Change
from scrimp.audit.waste.sequential_calls import independent


def together(draft: Draft) -> Draft:
    """The draft with the second of two independent steps merged into the first."""
    left = {ask.step: ask for ask in draft.asks}
    index = Index(draft.run)
    saved, merged = 0.0, set()
    for first, second in independent(index):
        if first in merged or first not in left or second not in left:
            continue
        merged.add(second)
        gone = left.pop(second)
        left[first] = left[first].with_(output=left[first].output + gone.output,
                                        reasoning=left[first].reasoning + gone.reasoning)  # fmt: skip
        times = [sum(use.seconds or 0.0 for use in index.uses_of.get(step, ())) for step in (first, second)]
        saved += min(times)
    if not merged:
        return draft
    asks = [left[ask.step] for ask in draft.asks if ask.step in left]
    return draft.with_(asks=asks, extra_seconds=draft.extra_seconds - saved)


REMEDY = Change(
    "parallel-calls", "Ask for independent calls at once", "hindsight bound",
    "the model would have seen that the calls are independent, and would have asked for both",
    "allow parallel tool calls and say in the prompt to ask for independent ones together", 14, together,
    {"parallel_calls": True},
)  # fmt: skip
