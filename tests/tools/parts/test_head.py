"""The linear head: it learns what can be learned, and its weight on needed labels buys recall with false alarms."""

from __future__ import annotations

import random

import numpy as np

from scrimp.tools.parts.head import DECAYS, chosen, fit, loss


def world(rows: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of 32 dimensions around the sum of the directions of their one or two labels out of six."""
    draw = np.random.default_rng(seed)
    labels = np.zeros((rows, 6), dtype=np.float32)
    for row in labels:
        row[draw.choice(6, size=draw.integers(1, 3), replace=False)] = 1
    directions = np.random.default_rng(0).normal(size=(6, 32))
    vectors = labels @ directions + draw.normal(scale=noise, size=(rows, 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def figures(positive: float, noise: float) -> tuple[float, float]:
    """Recall of needed labels, and labels given per row, on rows it was not trained on."""
    head = fit(*world(600, noise, 1), positive, random.Random(0))
    vectors, labels = world(400, noise, 2)
    given = head.probabilities(vectors) > 0.5
    return float((given & (labels > 0)).sum() / labels.sum()), float(given.sum(1).mean())


def test_it_learns_what_can_be_learned() -> None:
    recall, given = figures(1.0, 0.1)
    assert recall > 0.99
    assert 1.4 < given < 1.6


def test_a_weight_on_needed_labels_buys_recall() -> None:
    (plain, few), (weighted, many) = figures(1.0, 2.0), figures(60.0, 2.0)
    assert plain < 0.9 < weighted
    assert few < many < 6


def test_equal_seeds_give_equal_weights() -> None:
    one, other = (fit(*world(50, 0.1, 1), 60.0, random.Random(3)) for _ in range(2))
    assert (one.weights == other.weights).all()


def test_what_was_kept_aside_chooses_the_decay() -> None:
    kept, aside = world(60, 2.0, 1), world(200, 2.0, 2)
    best = chosen(kept, aside, 60.0, random.Random(0))
    seed = random.Random(0).getrandbits(32)
    each = [loss(fit(*kept, 60.0, random.Random(seed), decay), *aside, 60.0) for decay in DECAYS]
    assert loss(best, *aside, 60.0) == min(each) < max(each)
