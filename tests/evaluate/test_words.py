import itertools

import numpy as np
import pytest

from scrimp.evaluate.statistics import CostRatio, Estimate, NonInferiority, log_cost_ratio, non_inferior
from scrimp.evaluate.words import VERDICTS, says

NO_TASK = Estimate(None, None, 0)
COSTS = {
    "cheaper": Estimate(0.59, (0.54, 0.65), 700),
    "dearer": Estimate(1.41, (1.35, 1.46), 700),
    "equal": Estimate(1.0, (1.0, 1.0), 700),
    "cannot tell": Estimate(0.95, (0.8, 1.12), 700),
}
SUCCESSES = {
    "better": NonInferiority("yes", Estimate(0.06, (0.02, 0.1), 700), 0.025, 0.03, 0.1, 687),
    "non-inferior": NonInferiority("yes", Estimate(0.0, (-0.02, 0.02), 700), -0.018, 0.03, 0.1, 687),
    "worse": NonInferiority("no", Estimate(-0.1, (-0.14, -0.06), 700), -0.13, 0.03, 0.1, 687),
    "cannot tell": NonInferiority("cannot tell", Estimate(-0.01, (-0.15, 0.13), 20), -0.12, 0.03, 0.09, 619),
}


def say(cost, success, controls_run=True):
    return says("A", "B", SUCCESSES[success], CostRatio(COSTS[cost], NO_TASK), controls_run=controls_run)


@pytest.mark.parametrize(("cost", "success"), list(itertools.product(COSTS, SUCCESSES)))
@pytest.mark.parametrize("controls_run", [True, False])
def test_every_verdict_and_what_none_of_them_may_say(cost, success, controls_run):
    found = say(cost, success, controls_run)
    assert found.verdict == VERDICTS[cost, success]
    earned = controls_run and cost == "cheaper" and success in ("better", "non-inferior")
    assert ("more efficient" in found.text) is earned
    assert ("controls not run" in found.text) is not controls_run
    assert ("cannot tell" in found.text) is ("cannot tell" in (cost, success))
    assert found.text.count("  ") == 0
    assert found.text.endswith(".")


def test_each_pair_of_sides_has_a_verdict_of_its_own():
    assert len(VERDICTS) == len(set(VERDICTS.values())) == 16


def test_the_sentences():
    assert say("cheaper", "non-inferior").text == (
        "B is more efficient than A: it costs 41 % less than A (95 % interval 35 to 46 %) "
        "at non-inferior success (margin 3 points)."
    )
    assert say("cheaper", "non-inferior", controls_run=False).text == (
        "B costs 41 % less than A (95 % interval 35 to 46 %) "
        "at non-inferior success (margin 3 points); controls not run."
    )
    assert say("cheaper", "cannot tell").text == (
        "B costs 41 % less than A (95 % interval 35 to 46 %); success: cannot tell: n=20, "
        "about 690 tasks needed for a margin of 3 points (difference −15.0 to +13.0 points)."
    )
    assert "costs 41 % more than A (95 % interval 35 to 46 %)" in say("dearer", "better").text
    assert (
        "succeeds less often, by more than the margin of 3 points (−14.0 to −6.0 points)" in say("dearer", "worse").text
    )
    assert "ratio 0.95, 95 % interval 0.80 to 1.12" in say("cannot tell", "cannot tell").text


@pytest.mark.parametrize("reason", ["n too small", "cost unknown"])
def test_a_missing_interval_is_cannot_tell_with_its_reason(reason):
    cost = CostRatio(Estimate(0.2, None, 5, reason), NO_TASK)
    found = says("A", "B", SUCCESSES["non-inferior"], cost, controls_run=True)
    assert found.verdict == "non-inferior, cost cannot tell"
    assert reason in found.text
    assert "80 %" not in found.text


def test_small_and_large_figures_stay_true():
    small = CostRatio(Estimate(0.996, (0.993, 0.9993), 700), NO_TASK)
    assert (
        "0.4 % less than A (95 % interval 0.07 to 0.7 %)"
        in says("A", "B", SUCCESSES["better"], small, controls_run=True).text
    )
    large = CostRatio(Estimate(0.004, (0.003, 0.006), 700), NO_TASK)
    assert (
        "99.6 % less than A (95 % interval 99.4 to 99.7 %)"
        in says("A", "B", SUCCESSES["better"], large, controls_run=True).text
    )
    many = CostRatio(Estimate(12.34, (10.2, 15.6), 700), NO_TASK)
    assert "12.3 times as much as A" in says("A", "B", SUCCESSES["worse"], many, controls_run=True).text


def test_a_proven_loss_is_named_whatever_the_margin_says():
    within = NonInferiority("yes", Estimate(-0.015, (-0.025, -0.005), 3000), -0.024, 0.03, 0.05, 343)
    assert (
        "lower all the same: −2.5 to −0.5 points"
        in says("A", "B", within, CostRatio(COSTS["cheaper"], NO_TASK), controls_run=True).text
    )
    across = NonInferiority("cannot tell", Estimate(-0.03, (-0.05, -0.01), 900), -0.046, 0.03, 0.1, 687)
    assert (
        "success is lower (−5.0 to −1.0 points)"
        in says("A", "B", across, CostRatio(COSTS["cheaper"], NO_TASK), controls_run=True).text
    )


def test_from_outcomes_to_words_at_the_size_of_a_demo():
    rng = np.random.default_rng(0)
    a, b = [1] * 20, [1] * 19 + [0]
    costs = rng.lognormal(0, 0.3, 20)
    found = says("baseline", "efficient", non_inferior(a, b), log_cost_ratio(costs, 0.5 * costs), controls_run=False)
    assert found.verdict == "cheaper, success cannot tell"
    assert "n=20" in found.text
    assert "tasks needed for a margin of 3 points" in found.text


def test_hostile_names_pass_through_unread():
    found = says("<b>{x}</b>", "%s {0}", SUCCESSES["better"], CostRatio(COSTS["cheaper"], NO_TASK), controls_run=True)
    assert found.text.startswith("%s {0} is more efficient than <b>{x}</b>: it costs 41 % less")
