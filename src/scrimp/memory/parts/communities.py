"""Clusters of a graph by label propagation (Raghavan et al. 2007), as Zep groups its entities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def communities(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The label of each node: the one that most of its neighbours have, by edges; the larger group on a tie.

    Args:
        edges: pairs of nodes; several between two count as often.
    """
    near: dict[str, Counter[str]] = {node: Counter() for node in nodes}
    for head, tail in edges:
        if head in near and tail in near and head != tail:
            near[head][tail] += 1
            near[tail][head] += 1
    label = {node: node for node in nodes}
    for _ in range(len(nodes) + 1):
        sizes = Counter(label.values())
        after = {}
        for node in nodes:
            votes: Counter[str] = Counter()
            for other, count in near[node].items():
                votes[label[other]] += count
            best = max(votes, key=lambda one: (votes[one], sizes[one], one), default=label[node])
            after[node] = best if votes and votes[best] >= votes.get(label[node], 0) else label[node]
        if after == label:
            break
        label = after
    return label
