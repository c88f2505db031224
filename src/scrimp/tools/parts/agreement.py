"""How sure a model is of what it says: how far answers agree, and what that has been worth before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

_EDGES = "\"'`“”‘’「」*_ \t\n"
_NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?")


def said(text: str) -> str:
    """The last line of an answer as it is compared: no case, quotes or final stop; a number in one way of writing."""
    lines = [line for line in text.splitlines() if line.strip(_EDGES)]
    line = lines[-1].strip(_EDGES).rstrip(".。!！").strip(_EDGES).casefold() if lines else ""
    if _NUMBER.fullmatch(line):
        return f"{float(line.replace(',', '').replace('−', '-')):.12g}"
    return " ".join(line.split())


def agreement(answers: Sequence[str]) -> tuple[int, float]:
    """Place of the first answer that most give, and their share; an empty answer is a vote for nothing."""
    votes = Counter(answer for answer in answers if answer)
    if not votes:
        return 0, 0.0
    most, count = max(votes.items(), key=lambda item: item[1])
    return list(answers).index(most), count / len(answers)


def monotone(sure: Sequence[float], right: Sequence[float]) -> tuple[Any, Any]:
    """How often what was said with a confidence was right, as a function that never falls (pool adjacent violators).

    Returns:
        Its corners, confidences in order and shares, as two arrays; between them it is read in straight lines.
    """
    import numpy as np

    levels: list[tuple[float, float, int]] = []
    for level in sorted(set(sure)):
        here = [share for one, share in zip(sure, right, strict=True) if one == level]
        levels.append((level, sum(here) / len(here), len(here)))
    pools: list[list[tuple[float, float, int]]] = []
    for entry in levels:
        pools.append([entry])
        while len(pools) > 1 and _mean(pools[-2]) >= _mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    corners = [(level, _mean(pool)) for pool in pools for level, _, _ in pool]
    return np.array([level for level, _ in corners]), np.array([share for _, share in corners])


def _mean(pool: Sequence[tuple[float, float, int]]) -> float:
    return sum(share * count for _, share, count in pool) / sum(count for _, _, count in pool)
