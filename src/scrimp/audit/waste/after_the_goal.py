"""Calls after a run that succeeded had already said what it ended with."""

from __future__ import annotations

from collections.abc import Iterator

from scrimp.audit.index import Finding, Index, only_looks

NAME = "after-the-goal"
TITLE = "Steps after the goal was reached"
HINT = "early-stop"

SUCCESS = 1.0


def find(index: Index) -> Iterator[Finding]:
    """Every call after the last text of a successful run was first said, where nothing changed anything since."""
    if index.run.trace.reward != SUCCESS or len(index.calls) < 2:
        return
    last = index.calls[-1][1].step.answer.text.strip()
    if not last:
        return
    first = next(at for at, call in index.calls if call.step.answer.text.strip() == last)
    changing = [use.step for use in index.run.trace.tools if not only_looks(use.call.name)]
    reached = max([first, *changing])
    for at, call in index.calls:
        if at > reached:
            tokens, cost = index.of_call(at)
            detail = "the run had already given its final answer"
            yield Finding(NAME, at, index.where(at), detail, tokens, cost, call.step.seconds or 0.0, call.step.answer,
                          (0, len(call.step.answer.text)))  # fmt: skip
