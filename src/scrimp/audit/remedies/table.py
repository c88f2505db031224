"""All remedies, in the order of a combination."""

from __future__ import annotations

from scrimp.audit.draft import Remedy
from scrimp.audit.remedies import (
    batch_tier,
    cache_layout,
    cache_lifetime,
    cheaper_model,
    clear_tool_results,
    deduplicate_calls,
    deduplicate_results,
    downscale_images,
    drop_images,
    early_stop,
    flex_tier,
    lower_effort,
    offload_outputs,
    parallel_calls,
    prompt_cache,
    rolling_summary,
    shorten_schemas,
    shorter_output,
    top_k_tools,
    window,
)

REMEDIES: tuple[Remedy, ...] = tuple(
    sorted(
        (
            module.REMEDY
            for module in (
                batch_tier, cache_layout, cache_lifetime, cheaper_model, clear_tool_results, deduplicate_calls,
                deduplicate_results, downscale_images, drop_images, early_stop, flex_tier, lower_effort,
                offload_outputs, parallel_calls, prompt_cache, rolling_summary, shorten_schemas, shorter_output,
                top_k_tools, window,
            )
        ),
        key=lambda remedy: remedy.rank,
    )
)  # fmt: skip

EITHER = (("window", "rolling-summary", "clear-tool-results"), ("batch-tier", "flex-tier"))
"""Remedies of which only one makes sense at a time."""
