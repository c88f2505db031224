"""Lists of numbers; decimal results are rounded to 6 decimals."""

from __future__ import annotations

import statistics
from itertools import pairwise

from scrimp.evaluate.benchmarks.world.entry import Family, numbers, whole

FAMILY = Family("lists", price="0.00002", latency=0.03)
add = FAMILY.add

LIST = numbers(-9999, 99999)
SAMPLE = numbers(1000, 99999)


@add(
    "number",
    en=("the sum of the numbers {values}", "the total of the list {values}"),
    zh=("列表{values}中各数之和",),
    values=LIST,
)
def list_sum(values: list[float]) -> float:
    """Add up a list of numbers.

    Args:
        values: The numbers.
    """
    return round(sum(values), 6)


@add(
    "number",
    en=("the arithmetic mean of the numbers {values}", "the plain average of the list {values}"),
    zh=("列表{values}的算术平均数",),
    values=LIST,
)
def list_mean(values: list[float]) -> float:
    """The arithmetic mean of a list.

    Args:
        values: The numbers, at least one.
    """
    return round(statistics.fmean(values), 6)


@add(
    "number",
    en=("the median of the numbers {values}", "the middle value of the list {values} once sorted"),
    zh=("列表{values}的中位数",),
    values=LIST,
)
def list_median(values: list[float]) -> float:
    """The median of a list; the mean of the two middle numbers where their count is even.

    Args:
        values: The numbers, at least one.
    """
    return round(statistics.median(values), 6)


@add(
    "number",
    en=("the trimmed mean of the numbers {values} (the smallest and the largest left out)",),
    zh=("列表{values}去掉一个最大值和一个最小值后的平均数",),
    values=LIST,
)
def trimmed_mean(values: list[float]) -> float:
    """The mean of a list without its smallest and its largest number.

    Args:
        values: The numbers, at least three.
    """
    return round(statistics.fmean(sorted(values)[1:-1]), 6)


@add(
    "number positive",
    en=("the range of the numbers {values} (largest minus smallest)",),
    zh=("列表{values}的极差（最大值减最小值）",),
    values=LIST,
)
def list_range(values: list[float]) -> float:
    """The largest number of a list minus the smallest.

    Args:
        values: The numbers, at least one.
    """
    return round(max(values) - min(values), 6)


@add(
    "number positive",
    en=("the sample standard deviation (divisor n-1) of the numbers {values}",),
    zh=("列表{values}的样本标准差（除以n-1）",),
    values=SAMPLE,
)
def sample_deviation(values: list[float]) -> float:
    """The standard deviation of a sample: divisor n-1.

    Args:
        values: The numbers, at least two.
    """
    return round(statistics.stdev(values), 6)


@add(
    "number positive",
    en=("the population standard deviation (divisor n) of the numbers {values}",),
    zh=("列表{values}的总体标准差（除以n）",),
    values=SAMPLE,
)
def population_deviation(values: list[float]) -> float:
    """The standard deviation of a whole population: divisor n.

    Args:
        values: The numbers, at least one.
    """
    return round(statistics.pstdev(values), 6)


@add(
    "list numbers",
    en=("the list {values} sorted from small to large",),
    zh=("把列表{values}从小到大排序的结果",),
    values=LIST,
)
def sort_ascending(values: list[float]) -> list[float]:
    """Sort numbers from small to large.

    Args:
        values: The numbers.
    """
    return sorted(values)


@add(
    "list numbers",
    en=("the list {values} sorted from large to small",),
    zh=("把列表{values}从大到小排序的结果",),
    values=LIST,
)
def sort_descending(values: list[float]) -> list[float]:
    """Sort numbers from large to small.

    Args:
        values: The numbers.
    """
    return sorted(values, reverse=True)


@add("list numbers", en=("the running totals of the list {values}",), zh=("列表{values}的累计和列表",), values=LIST)
def running_totals(values: list[float]) -> list[float]:
    """The list of sums of the first 1, 2, 3 ... numbers.

    Args:
        values: The numbers.
    """
    total, out = 0.0, []
    for value in values:
        total += value
        out.append(round(total, 6))
    return out


@add(
    "list numbers",
    en=("the differences between neighbours in the list {values} (each number minus the one before it)",),
    zh=("列表{values}中相邻两数之差（后减前）的列表",),
    values=LIST,
)
def neighbour_differences(values: list[float]) -> list[float]:
    """Each number of a list minus the one before it; one number fewer than the list.

    Args:
        values: The numbers.
    """
    return [round(b - a, 6) for a, b in pairwise(values)]


@add(
    "number",
    en=("the number at rank {k} of the list {values}, counted from the largest",),
    zh=("列表{values}中从大到小第{k}个数",),
    values=LIST,
    k=whole(2, 4),
)
def kth_largest(values: list[float], k: int) -> float:
    """The k-th largest number of a list.

    Args:
        values: The numbers.
        k: The rank, 1 for the largest.
    """
    if not 1 <= k <= len(values):
        raise ValueError("k is not a rank of this list")
    return sorted(values, reverse=True)[k - 1]


@add(
    "number",
    en=("the number at rank {k} of the list {values}, counted from the smallest",),
    zh=("列表{values}中从小到大第{k}个数",),
    values=LIST,
    k=whole(2, 4),
)
def kth_smallest(values: list[float], k: int) -> float:
    """The k-th smallest number of a list.

    Args:
        values: The numbers.
        k: The rank, 1 for the smallest.
    """
    if not 1 <= k <= len(values):
        raise ValueError("k is not a rank of this list")
    return sorted(values)[k - 1]
