"""What one agent of a run had already read, read again by another."""

from __future__ import annotations

from collections.abc import Iterator

from scrimp.audit.index import Finding, Index, key_of, only_looks

NAME = "reread-by-agents"
TITLE = "Sub-agents that read again what another had"
HINT = "hand the sub-agent what the parent has read"


def find(index: Index) -> Iterator[Finding]:
    """Every call that another agent had made with the same result; it costs its result in all later prompts."""
    steps = index.run.trace.steps
    if len({step.agent for step in steps}) < 2:
        return
    seen: dict[str, tuple[str, str | None]] = {}
    for use in index.run.trace.tools:
        if use.failed or not only_looks(use.call.name):
            continue
        key, agent = key_of(use.call), steps[use.step].agent
        known = seen.get(key)
        if known is not None and known[0] != agent and known[1] == use.result and use.message is not None:
            tokens, cost = index.of_message(use.message)
            detail = (
                f"{agent or 'the main agent'} read with {use.call.name} what {known[0] or 'the main agent'} had read"
            )
            yield Finding(NAME, use.step, use.where, detail, tokens, cost, use.seconds or 0.0, use.message,
                          (0, len(use.message.text)))  # fmt: skip
        seen.setdefault(key, (agent, use.result))
