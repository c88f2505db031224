"""Runs whose bills are reckoned by hand, for the tests of remedies."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from recorded import MODEL, call, trace, with_usage, words

from scrimp.audit.bill import Biller
from scrimp.audit.draft import draft
from scrimp.audit.measure import Book, Run, measure
from scrimp.audit.remedies.prompt_cache import switch_on
from scrimp.audit.remedies.table import REMEDIES
from scrimp.audit.sums import net_of
from scrimp.core.usage import Usage
from scrimp.models.prices import load

BOOK = Book(load())
BY_NAME = {remedy.name: remedy for remedy in REMEDIES}
CLAUDE = "anthropic:claude-sonnet-4-5"
ANSWER = ("A short answer.",)


def five_steps(*, told: bool = False, gap: float | None = 2.0, model: str = MODEL) -> Run:
    """Prompts of 2,000, 2,500, 3,000, 3,500 and 4,000 tokens, 50 written each.

    Args:
        told: whether 1,000 were cached from the second call on.
    """
    turns: list[object] = [words(60)]
    for at in range(4):
        turns += [[call("search", f"c{at}", q=at)], {f"c{at}": words(400)}]
    recorded = trace(*turns, ANSWER, instructions=words(1500), gap=gap, seconds=1.0, model=model)
    usages = [Usage(input=2000 + 500 * at, output=50) for at in range(5)]
    if told:
        usages = [Usage(2000 + 500 * at - 1000, 1000, 0, 50) if at else usages[0] for at in range(5)]
    return measure(with_usage(recorded, *usages), BOOK)


def long_run(model: str = MODEL, steps: int = 15, gap: float | None = 2.0) -> Run:
    """Calls with a result of some 400 tokens each, and a last answer of some length; no recorded usage."""
    turns: list[object] = [words(60)]
    for at in range(steps - 1):
        turns += [[call("search", f"c{at}", q=at)], {f"c{at}": words(400)}]
    return measure(trace(*turns, (words(120),), instructions=words(1500), gap=gap, seconds=1.0, model=model), BOOK)


def cached(found: Run) -> Run:
    """The run as it would be recorded with the prompt cache on, every possible hit happening."""
    lines = Biller(found).bill(switch_on(draft(found))).lines
    usages = [
        Usage(line.prompt - line.served - line.written, line.served, line.written, call.usage.output)
        for line, call in zip(lines, found.calls, strict=True)
    ]
    return measure(with_usage(replace(found.trace), *usages), BOOK)


def saved(found: Run, name: str, case: str = "recorded") -> Decimal:
    """Dollars that a remedy saves on a run."""
    biller, was = Biller(found), draft(found)
    net = net_of(biller.bill(was), biller.bill(BY_NAME[name].apply(was)), case)
    assert net is not None
    return net
