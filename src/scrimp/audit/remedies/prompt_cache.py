"""The prompt cache, switched on."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.remedy import Change


def switch_on(draft: Draft) -> Draft:
    """The draft with the cache on, where its provider has one and the record shows none at work."""
    calls = [call for call in draft.run.calls if call.event.component != "harness"]
    if any(call.told and (call.usage.cached_input or call.usage.cache_write) for call in calls):
        return draft
    has = any(draft.run.book.rules(ask.model) is not None for ask in draft.asks if ask.model)
    return draft.with_(caching=True) if has and draft.caching is None and len(draft.asks) > 1 else draft


REMEDY = Change(
    "prompt-cache", "Use the provider's prompt cache", "exact",
    "every hit that the provider's rules allow happens, within one run only; gaps without times are shorter than the "
    "cache's life; where the record does not say what was cached, nothing was (if your bill shows cached tokens, this "
    "saving is yours already)",
    "keep prompts append-only; with Anthropic set cache_control on tools, system and the last turns", 60, switch_on,
)  # fmt: skip
