import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from scrimp.core.errors import InputError
from scrimp.evaluate import statistics as st


@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 10, 99, 1000, 5000])
@pytest.mark.parametrize("level", [0.025, 0.5, 0.9, 0.975, 0.985])
def test_student_t_equals_scipy(freedom, level):
    assert st.student_t(level, freedom) == pytest.approx(scipy_stats.t.ppf(level, freedom), abs=1e-5)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (7, 20), (39, 40), (100, 100)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_success_interval_equals_scipy(k, n, level):
    theirs = scipy_stats.binomtest(k, n).proportion_ci(level, method="wilsoncc")
    assert st.success_interval(k, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize("n", [10, 20, 40, 100])
def test_success_interval_covers_exactly(n):
    limits = np.array([st.success_interval(k, n) for k in range(n + 1)])
    for p in np.linspace(0.02, 0.98, 193):
        chance = scipy_stats.binom.pmf(np.arange(n + 1), n, p)
        assert chance[(limits[:, 0] <= p) & (p <= limits[:, 1])].sum() >= 0.93


def test_success_rate_counts_tasks_not_runs():
    outcomes, tasks = [1, 0] * 20 + [1, 1] * 20, [i // 2 for i in range(80)]
    rate = st.success_rate(outcomes, tasks)
    assert (rate.mean, rate.n) == (0.75, 40)
    assert rate.interval == st.success_interval(30, 40)


def test_impossible_input_is_one_clear_error():
    for call in (
        lambda: st.success_interval(11, 10),
        lambda: st.success_interval(0, 0),
        lambda: st.paired_difference([1, 0], [1]),
        lambda: st.paired_difference([1, 2], [1, 0]),
        lambda: st.log_cost_ratio([1.0], [1.0, 2.0]),
        lambda: st.log_cost_ratio([-1.0] * 12, [1.0] * 12),
        lambda: st.mean_cost([1.0, math.nan]),
        lambda: st.mean_cost([]),
        lambda: st.success_rate([1, 0], ["only one name"]),
        lambda: st.non_inferior([1], [1], margin=3),
        lambda: st.cost_of_pass([1.0], []),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.remedy


def losses(n: int, lost: int, won: int = 0) -> tuple[list[int], list[int]]:
    """Both right on every task, but for those that b lost and those that b won."""
    a = [1] * lost + [0] * won + [1] * (n - lost - won)
    b = [0] * lost + [1] * won + [1] * (n - lost - won)
    return a, b


@pytest.mark.parametrize("n", [10, 20, 40, 100])
def test_paired_intervals_cover_exactly_where_b_only_loses(n):
    """The worst corner of the exact table in benchmarks/coverage.py: all discordant pairs on one side."""
    two = [st.paired_difference(*losses(n, k)).interval for k in range(n + 1)]
    one = np.array([st.non_inferior(*losses(n, k)).bound for k in range(n + 1)])
    low, high = np.array(two).T
    for share in np.concatenate([np.arange(0.004, 0.1, 0.004), np.arange(0.1, 0.96, 0.02)]):
        chance = scipy_stats.binom.pmf(np.arange(n + 1), n, share)
        assert chance[(low <= -share) & (-share <= high)].sum() >= 0.93
        assert chance[one <= -share].sum() >= 0.93


def test_paired_difference_is_bonett_and_price():
    n, won, lost = 50, 8, 3
    a, b = losses(n, lost, won)
    p, q = (won + 1) / (n + 2), (lost + 1) / (n + 2)
    reach = scipy_stats.t.ppf(0.975, n - 1) * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    found = st.paired_difference(a, b)
    assert found.mean == pytest.approx(0.1)
    assert found.interval == pytest.approx((p - q - reach, p - q + reach))


def test_seeds_of_a_task_are_one_observation():
    a, b = losses(30, 3, 1)
    again = [task for task in range(30) for _ in range(5)]
    repeated = [[v for v in side for _ in range(5)] for side in (a, b)]
    assert st.paired_difference(*repeated, again) == st.paired_difference(a, b)
    assert st.non_inferior(*repeated, again) == st.non_inferior(a, b)


def test_needed_n_agrees_with_the_evidence_rules():
    assert [st.n_for_margin(m) for m in (0.05, 0.03, 0.02)] == [248, 687, 1546]


def test_non_inferior_answers():
    assert st.non_inferior(*losses(20, 0)).answer == "cannot tell"
    assert st.non_inferior(*losses(100, 0)).answer == "cannot tell"  # the margin needs 135 even so
    assert st.non_inferior(*losses(800, 40, 40)).answer == "yes"
    assert st.non_inferior(*losses(800, 90, 10)).answer == "no"
    better = st.non_inferior(*losses(60, 0, 20))
    assert (better.answer, better.higher, better.lower) == ("yes", True, False)


def test_non_inferior_seldom_errs_at_the_margin():
    rng, wrong = np.random.default_rng(3), 0
    for _ in range(400):
        draw = rng.random(700)
        a, b = losses(700, int((draw < 0.05).sum()), int((draw > 0.98).sum()))  # true difference -3 points
        wrong += st.non_inferior(a, b).answer == "yes"
    assert wrong / 400 <= 0.07


def test_cost_ratio_covers_with_heavy_tails():
    rng, hits = np.random.default_rng(5), 0
    for i in range(300):
        common, x, y = rng.standard_normal((3, 20))
        a, b = np.exp(0.7 * (common + x)), 0.6 * np.exp(0.7 * (common + y))
        low, high = st._ratio_of_means(a, b, 0.95, i, resamples=199).interval or (0.0, math.inf)
        hits += low <= 0.6 <= high
    assert hits / 300 >= 0.93


def test_cost_ratio_is_that_of_the_bill_and_the_typical_task_stands_beside():
    a, b = [1.0] * 20, [0.5] * 19 + [40.0]
    found = st.log_cost_ratio(a, b)
    assert found.ratio.mean == pytest.approx(49.5 / 20)
    assert found.per_task.mean == pytest.approx(math.exp((19 * math.log(0.5) + math.log(40)) / 20))
    assert found.to_json()["kind"] == "ratio of mean costs"


def test_cost_ratio_is_seeded_symmetric_and_clustered():
    rng = np.random.default_rng(0)
    a, b = rng.lognormal(size=30), 0.5 * rng.lognormal(size=30)
    there, back = st.log_cost_ratio(a, b).ratio, st.log_cost_ratio(b, a).ratio
    assert there == st.log_cost_ratio(a, b).ratio
    assert there.mean == pytest.approx(1 / back.mean)
    assert there.interval == pytest.approx((1 / back.interval[1], 1 / back.interval[0]))
    tasks = [t for t in range(30) for _ in range(3)]
    assert st.log_cost_ratio(np.repeat(a, 3), np.repeat(b, 3), tasks).ratio.interval == pytest.approx(there.interval)


@pytest.mark.parametrize(
    ("a", "b", "mean", "reason"),
    [
        ([1.0] * 9, [0.5] * 9, 0.5, "n too small"),
        ([1.0] * 12, [0.0] * 12, 0.0, "b cost nothing"),
        ([0.0] * 12, [1.0] * 12, None, "a cost nothing"),
        ([0.0] * 12, [0.0] * 12, None, "a and b cost nothing"),
        ([1.0] * 12, [0.0] * 11 + [6.0], 0.5, "n too small"),
    ],
)
def test_cost_ratio_without_an_interval_says_why(a, b, mean, reason):
    found = st.log_cost_ratio(a, b).ratio
    assert (found.mean, found.interval, found.reason) == (mean, None, reason)


def test_some_zero_costs_leave_the_ratio_of_means():
    a, b = [1.0, 2.0] * 10, [0.0, 1.5] * 10
    found = st.log_cost_ratio(a, b)
    assert found.ratio.mean == 0.5
    assert found.ratio.interval is not None
    assert "10 of 20" in found.per_task.reason


def test_a_constant_ratio_is_an_exact_interval():
    a = list(np.random.default_rng(1).lognormal(size=15))
    low, high = st.log_cost_ratio(a, [0.25 * x for x in a]).ratio.interval
    assert (low, high) == (pytest.approx(0.25), pytest.approx(0.25))


def test_cost_of_pass_is_pooled_and_says_when_it_cannot():
    costs, solved = [1.0, 3.0] * 20, [1, 0] * 20
    found = st.cost_of_pass(costs, solved)
    assert (found["kind"], found["mean"], found["never_solved"]) == ("pooled", 4.0, 20)
    assert found["interval"][0] < 4 < found["interval"][1]
    assert st.cost_of_pass(costs, [0] * 40)["mean"] is None
    few = st.cost_of_pass(costs, [1] * 5 + [0] * 35)
    assert (few["mean"], few["interval"], few["reason"]) == (16.0, None, "n too small")


def test_mean_cost_and_latency():
    found = st.mean_cost([1.0, 2.0, 3.0] * 10)
    assert found.mean == 2.0
    assert found.interval[0] < 2 < found.interval[1]
    assert st.mean_cost([0.0] * 20).reason == "every cost is zero"
    assert st.latency([1.0, 2.0, 3.0, 4.0]) == {
        "mean": 2.5,
        "p50": 2.5,
        "p95": pytest.approx(np.percentile([1, 2, 3, 4], 95)),
        "n": 4,
    }
