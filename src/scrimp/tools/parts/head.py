"""A linear head: one sigmoid per label over sentence vectors, trained by weighted cross-entropy on a CPU in numpy."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

BATCH = 256
RATE = 0.01
DECAYS = (1.0, 4.0, 16.0)
"""Of AdamW (Loshchilov and Hutter, arXiv 1711.05101), decoupled, times the rate; a held-out part chooses."""
BETAS = (0.9, 0.999)
STEPS = 400
"""Steps of a training at least; a larger set is seen at least EPOCHS times."""
EPOCHS = 30


@dataclass(frozen=True)
class Head:
    """Weights of shape (dimension, labels) and a bias for each label; vectors are scaled to unit variance first."""

    weights: Any
    bias: Any

    def probabilities(self, vectors: Any) -> Any:
        """Of shape (number of vectors, labels)."""
        return _sigmoid(_scaled(vectors) @ self.weights + self.bias)


def chosen(kept: tuple[Any, Any], aside: tuple[Any, Any], positive: float, rng: random.Random) -> Head:
    """The head, of one for each decay, whose loss is least on vectors and labels that were kept aside."""
    seed = rng.getrandbits(32)
    heads = [fit(*kept, positive, random.Random(seed), decay) for decay in DECAYS]
    return min(heads, key=lambda head: loss(head, *aside, positive))


def loss(head: Head, vectors: Any, labels: Any, positive: float) -> float:
    """Mean weighted cross-entropy."""
    import numpy as np

    found = np.clip(head.probabilities(vectors), 1e-7, 1 - 1e-7)
    return float(-(positive * labels * np.log(found) + (1 - labels) * np.log(1 - found)).mean())


def fit(vectors: Any, labels: Any, positive: float, rng: random.Random, decay: float = DECAYS[0]) -> Head:
    """Train a head by mini-batches of AdamW with a rate that falls to nothing by a cosine.

    Args:
        vectors: float32 of shape (rows, dimension), rows of length 1.
        labels: 0 or 1, of shape (rows, labels).
        positive: how much more a missed label costs than one too many.
        rng: the order of the rows.
    """
    import numpy as np

    draw = np.random.default_rng(rng.getrandbits(32))
    inputs, targets = _scaled(np.asarray(vectors, dtype=np.float32)), np.asarray(labels, dtype=np.float32)
    rows, width = inputs.shape[0], targets.shape[1]
    theta = np.zeros((inputs.shape[1] + 1, width), dtype=np.float32)
    mean, square = np.zeros_like(theta), np.zeros_like(theta)
    # Every label begins at its share among the rows, as the weighted loss sees it.
    share = positive * targets.mean(0)
    theta[-1] = np.log((share + 1e-3) / (1 - targets.mean(0) + 1e-3))
    inputs = np.hstack([inputs, np.ones((rows, 1), dtype=np.float32)])
    steps = max(STEPS, EPOCHS * rows // BATCH)
    for step in range(1, steps + 1):
        batch = draw.integers(0, rows, min(BATCH, rows))
        error = _error(inputs[batch] @ theta, targets[batch], positive)
        slope = inputs[batch].T @ error / len(batch)
        mean = BETAS[0] * mean + (1 - BETAS[0]) * slope
        square = BETAS[1] * square + (1 - BETAS[1]) * slope * slope
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
        move = (mean / (1 - BETAS[0] ** step)) / (np.sqrt(square / (1 - BETAS[1] ** step)) + 1e-8)
        theta[:-1] *= 1 - rate * decay
        theta -= (rate * move).astype(np.float32)
    return Head(theta[:-1].copy(), theta[-1].copy())


def _error(logits: Any, targets: Any, positive: float) -> Any:
    """Slope of the weighted cross-entropy with regard to the logits."""
    guess = _sigmoid(logits)
    return guess * (1 - targets) - positive * (1 - guess) * targets


def _sigmoid(logits: Any) -> Any:
    import numpy as np

    return 1 / (1 + np.exp(-np.clip(logits, -60, 60)))


def _scaled(vectors: Any) -> Any:
    """Rows of length 1 have components of about 1 / sqrt(dimension)."""
    return vectors * float(vectors.shape[1]) ** 0.5
