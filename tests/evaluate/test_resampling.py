import numpy as np
import pytest
from scipy import stats as scipy_stats

from scrimp.core.errors import InputError
from scrimp.evaluate.resampling import bootstrap, by_task, sign_flip_test


@pytest.mark.parametrize(("method", "theirs"), [("percentile", "percentile"), ("bca", "BCa")])
def test_bootstrap_agrees_with_scipy(method, theirs):
    data = np.random.default_rng(0).lognormal(size=60)
    ours = bootstrap(data, lambda x: float(x.mean()), method=method, resamples=4000, seed=1)
    rng = np.random.default_rng(2)
    them = scipy_stats.bootstrap((data,), np.mean, method=theirs, n_resamples=20000, rng=rng).confidence_interval
    width = them.high - them.low
    assert ours == pytest.approx((them.low, them.high), abs=0.06 * width)


def test_bootstrap_draws_whole_clusters():
    rng = np.random.default_rng(0)
    means = rng.normal(size=25)
    repeated, names = np.repeat(means, 8), np.repeat(np.arange(25), 8).tolist()
    clustered = bootstrap(repeated, lambda x: float(x.mean()), clusters=names, resamples=1500)
    alone = bootstrap(means, lambda x: float(x.mean()), resamples=1500)
    naive = bootstrap(repeated, lambda x: float(x.mean()), resamples=1500)
    assert clustered == pytest.approx(alone)
    assert naive[1] - naive[0] < 0.5 * (clustered[1] - clustered[0])


def test_bootstrap_is_seeded_and_survives_a_constant():
    data = np.arange(12.0)
    assert bootstrap(data, np.median, seed=4) == bootstrap(data, np.median, seed=4)
    assert bootstrap(data, np.median, seed=4, resamples=99) != bootstrap(data, np.median, seed=5, resamples=99)
    assert bootstrap(np.ones(5), lambda x: float(x.mean())) == (1.0, 1.0)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("n", [9, 30])
def test_sign_flip_agrees_with_scipy(alternative, n):
    d = np.random.default_rng(n).normal(0.3, 1, n)
    rng = np.random.default_rng(1)
    theirs = scipy_stats.permutation_test(
        (d,),
        lambda x, axis: x.mean(axis=axis),
        vectorized=True,
        permutation_type="samples",
        alternative=alternative,
        n_resamples=9999,
        rng=rng,
    ).pvalue
    tolerance = 1e-9 if n == 9 else 0.02
    assert sign_flip_test(d, alternative=alternative) == pytest.approx(theirs, abs=tolerance)


def test_sign_flip_flips_a_task_as_one_and_is_never_zero():
    d = [1.0, 1.0, 1.0]
    assert sign_flip_test(d) == 2 / 8
    assert sign_flip_test(np.repeat(d, 10).tolist(), clusters=np.repeat([0, 1, 2], 10).tolist()) == 2 / 8
    assert 0 < sign_flip_test([1.0] * 50) <= 1 / 5000


def test_by_task_keeps_the_order_of_first_appearance():
    assert by_task([1, 2, 3, 5], ["b", "a", "b", "a"]).tolist() == [2.0, 3.5]
    with pytest.raises(InputError, match="nothing"):
        by_task([])
