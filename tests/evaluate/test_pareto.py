import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from scrimp.core.errors import InputError
from scrimp.evaluate.pareto import Point, frontier, hypervolume, uncertain


def names(points):
    return [p.name for p in frontier(points)]


def test_dominated_unknown_and_tied_points():
    points = [
        Point("dear", 3.0, 0.9),
        Point("cheap", 1.0, 0.5),
        Point("same as cheap", 1.0, 0.5),
        Point("worse at the same cost", 1.0, 0.4),
        Point("dearer, no better", 2.0, 0.5),
        Point("unpriced", None, 1.0),
        Point("unscored", 0.1, None),
        Point("broken", math.nan, 1.0),
    ]
    assert names(points) == ["cheap", "same as cheap", "dear"]
    assert frontier([]) == []


@given(some.lists(some.tuples(some.integers(0, 6), some.integers(0, 6)), max_size=12))
def test_frontier_is_the_definition(pairs):
    points = [Point(str(i), float(c), float(e)) for i, (c, e) in enumerate(pairs)]

    def beaten(p):
        return any(
            q.cost <= p.cost
            and q.effectiveness >= p.effectiveness
            and (q.cost, q.effectiveness) != (p.cost, p.effectiveness)
            for q in points
        )

    assert sorted(names(points)) == sorted(p.name for p in points if not beaten(p))


def test_hypervolume_by_hand_and_beyond_the_reference():
    points = [Point("a", 1.0, 0.5), Point("b", 2.0, 0.8), Point("out of reach", 9.0, 1.0), Point("unknown", None, 1.0)]
    found = hypervolume(points, 4.0)
    assert found.value == pytest.approx(1 * 0.5 + 2 * 0.8)
    assert found.to_json()["reference"] == {"cost": 4.0, "effectiveness": 0.0}
    assert hypervolume(points, 4.0, 0.6).value == pytest.approx(2 * 0.2)
    assert hypervolume([], 4.0).value == 0
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(InputError):
            hypervolume(points, bad)


def test_hypervolume_equals_the_share_of_random_darts():
    rng = np.random.default_rng(0)
    xs, ys = rng.random((2, 30))
    points = [Point(str(i), float(x), float(y)) for i, (x, y) in enumerate(zip(xs, ys, strict=True))]
    darts = rng.random((20000, 2))
    under = ((xs[None] <= darts[:, :1]) & (ys[None] >= darts[:, 1:])).any(axis=1).mean()
    assert hypervolume(points, 1.0).value == pytest.approx(under, abs=0.01)


def test_who_is_surely_on_the_frontier() -> None:
    rng = np.random.default_rng(1)
    n = 300
    cheap = (np.full(n, 1.0), (rng.random(n) < 0.5).astype(float))
    good = (np.full(n, 2.0), (rng.random(n) < 0.9).astype(float))
    bad = (np.full(n, 3.0), (rng.random(n) < 0.3).astype(float))
    found = uncertain({"cheap": cheap, "good": good, "bad": bad}, 10.0)
    assert found.probability["cheap"] == 1  # nothing is cheaper
    assert found.probability["good"] > 0.99
    assert found.probability["bad"] < 0.01
    seen = hypervolume([Point(name, float(c.mean()), float(s.mean())) for name, (c, s) in
                        {"cheap": cheap, "good": good}.items()], 10.0).value  # fmt: skip
    assert found.area is not None
    assert found.area[0] < seen < found.area[1]


def test_two_that_are_alike_share_the_frontier() -> None:
    rng = np.random.default_rng(2)
    costs, success = np.exp(rng.standard_normal((2, 200))), (rng.random((2, 200)) < 0.6).astype(float)
    found = uncertain({"a": (costs[0], success[0]), "b": (costs[1], success[1])}, 10.0)
    assert min(found.probability.values()) > 0.2
    assert uncertain({"a": (costs[0][:10], success[0][:10])}, 10.0).area is None
