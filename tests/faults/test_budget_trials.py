"""The budget under fire: many randomised trials of 64 calls at once, on virtual time (docs/budget.md)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import pytest

from tests.support import virtual
from tests.support.trials import CALLS, Outcome, both

Record = Callable[[str, object], None]


def sweep(seeds: Iterable[int]) -> str:
    """Run the trials; the line that tells what came of them. Fails at the first promise that is broken."""
    ours, after, stuck = list[Outcome](), list[Outcome](), 0
    for seed in seeds:
        try:
            one, other = virtual.run(lambda seed=seed: both(seed))  # type: ignore[misc]
        except virtual.Stuck:
            stuck += 1
            continue
        ours.append(one)
        after.append(other)
    trials = len(ours) + stuck
    calls, refused = sum(one.calls for one in ours), sum(one.refused for one in ours)
    past = [one.overshoot for one in after if one.overshoot]
    overshoot, leaks = sum(one.overshoot > 0 for one in ours), sum(one.leaks for one in ours)
    starved = stuck + sum(one.too_soon for one in ours)
    line = (
        f"budget: trials {trials} of {CALLS} calls at once on virtual time, calls made {calls}, refused {refused}, "
        f"overshoot {overshoot}, leaks {leaks}, starved {starved}, dollars used "
        f"{sum(one.used for one in ours) / max(len(ours), 1):.0%} of the limit on average; checked after the fact: "
        f"{len(past)} of {len(after)} trials passed a limit, by {sum(past) / max(len(past), 1):.0%} on average, "
        f"{max(past, default=0):.0%} at most"
    )
    assert (overshoot, leaks, starved) == (0, 0, 0), line
    assert past, "the trials are so easy that even the after-the-fact budget holds"
    return line


def test_no_trial_passes_a_limit(record_property: Record) -> None:
    record_property("shown", sweep(range(60)))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_thousand_trials(record_property: Record) -> None:
    first = int(os.environ.get("SCRIMP_SEED", "1000"))
    record_property("shown", sweep(range(first, first + 10_000)))
