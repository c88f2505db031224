"""At which prices a ranking holds."""

from __future__ import annotations

from decimal import Decimal

from scrimp.core.money import Rates
from scrimp.evaluate.robustness import Use, robustness


def rates(fresh: str, output: str, cached: str) -> Rates:
    return Rates(Decimal(fresh), Decimal(output), Decimal(cached), Decimal(fresh))


LONG_PROMPTS = Use(fresh=10_000, cached=0, written=0, output=100, other=0, success=0.8)
LONG_ANSWERS = Use(fresh=1_000, cached=0, written=0, output=1_100, other=0, success=0.8)


def test_a_ranking_turns_where_output_is_dear() -> None:
    found = robustness({"prompts": LONG_PROMPTS, "answers": LONG_ANSWERS}, [], rates("1", "4", "0.1"))
    ((low, high),) = found["answers"]["output_over_input"]
    assert low == 0.5
    assert 7.9 < high < 9  # 9,000 input tokens buy 1,000 output tokens at a ratio of 9
    ((turn, most),) = found["prompts"]["output_over_input"]
    assert (turn > high, most) == (True, 16)


def test_the_better_one_is_always_on_the_frontier() -> None:
    better = Use(10_000, 0, 0, 100, 0, success=0.9)
    lists = [rates("1", "1", "1"), rates("1", "50", "0.1")]
    found = robustness({"better": better, "answers": LONG_ANSWERS}, lists, rates("1", "4", "0.1"))
    assert found["better"]["lists"] == {"share": 1.0, "of": 2}
    assert found["answers"]["lists"]["share"] == 0.5


def test_the_cache_decides_for_whoever_sends_again() -> None:
    again = Use(1_000, 20_000, 0, 100, 0, success=0.8)
    found = robustness({"again": again, "once": LONG_PROMPTS}, [], rates("1", "4", "0.1"))
    ((low, high),) = found["again"]["cached_over_input"]
    assert low == 0
    assert 0.4 <= high <= 0.45
