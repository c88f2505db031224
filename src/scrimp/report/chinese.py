"""What may be said of a comparison, in Chinese: the same statements as the English ones, from the same figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.evaluate.statistics import n_for_margin
from scrimp.evaluate.words import CHANCE, PLANNED_DISCORDANCE
from scrimp.report.figures import significant
from scrimp.report.language import Words

Document = Mapping[str, Any]
UNITS = {"usd": "美元", "tokens": "token", "seconds": "秒"}


def sayings(document: Document) -> Iterator[str]:
    """Every statement of a document."""
    controls = document.get("controls") or "not run"
    for pair in document.get("pairs") or ():
        yield of_pair(pair, controls_run=controls != "not run")
    for level in document.get("levels") or ():
        yield from (of_level(level, line) for line in level["systems"])
    if document.get("at_cost"):
        yield at_cost(document["at_cost"])
    if document.get("at_quality"):
        yield at_quality(document["at_quality"])
    if document.get("guard"):
        yield from (of_guard(row) for row in document["guard"]["rows"])
    if document.get("power"):
        yield of_power(document["power"])


def of_pair(pair: Document, *, controls_run: bool) -> str:
    """One System against another."""
    a, b = pair["a"], pair["b"]
    if "verdict" not in pair or "margin" not in pair:
        return str(pair["says"])  # of an older document
    if pair.get("success_difference") is None:
        return f"{a} 与 {b}：没有共同的运行。"
    text = f"{b}{_cost(pair, a)}；{_success(pair)}"
    efficient = pair["verdict"] in ("cheaper and better", "cheaper and non-inferior")
    if efficient and controls_run and (pair.get("p_adjusted") is None or pair["p_adjusted"] < CHANCE):
        text = f"{b} 比 {a} 更高效：{text}"
    elif efficient and controls_run:
        text += f"；比较次数这么多，这可能是偶然（校正后 p = {pair['p_adjusted']:.2f}）"
    structure = "；模型是 oracle，只说明结构" if pair.get("structure_only") else ""
    return f"{text}{'' if controls_run else '；未运行对照'}{structure}。"


def _cost(pair: Document, a: str) -> str:
    ratio = pair.get("cost_ratio") or pair["tokens_ratio"]
    if not ratio.get("interval"):
        return f" 与 {a} 相比，成本无法判断（{_reason(ratio)}）"
    (low, high), mean = ratio["interval"], ratio["mean"]
    if low == high == 1:
        return f" 与 {a} 成本相同"
    if high < 1:
        return f" 的成本比 {a} 低 {_share(1 - mean)} %（95 % 区间 {_share(1 - high)} 至 {_share(1 - low)} %）"
    if low > 1:
        return f" 的成本比 {a} 高 {_share(mean - 1)} %（95 % 区间 {_share(low - 1)} 至 {_share(high - 1)} %）"
    return f" 与 {a} 相比，成本无法判断（比值 {mean:.2f}，95 % 区间 {low:.2f} 至 {high:.2f}）"


def _success(pair: Document) -> str:
    found, margin = pair["success_difference"], f"{100 * pair['margin']:g}"
    low, high = found.get("interval") or (-1.0, 1.0)
    span = f"{_points(low)} 至 {_points(high)} 个百分点"
    answer = pair["non_inferior"]
    if answer == "no":
        return f"成功率更低，差距超过 {margin} 个百分点的界值（{span}）"
    if answer == "yes":
        return f"成功率更高（{span}）" if low > 0 else f"成功率非劣（界值 {margin} 个百分点，差值 {span}）"
    if high < 0:
        return f"成功率较低（{span}），是否超过 {margin} 个百分点的界值：无法判断"
    needed = max(pair["n_needed"], n_for_margin(pair["margin"], PLANNED_DISCORDANCE))
    need = f"，约需 {_round(needed)} 个任务" if pair["n"] < needed else ""
    return f"成功率无法判断：n={pair['n']}{need}（界值 {margin} 个百分点，差值 {span}）"


def of_level(level: Document, row: Document) -> str:
    """A System at a budget."""
    found = row["effectiveness"]
    low, high = found["interval"]
    how = "以该预算重新运行" if row["how"] == "run again" else "按预算截断"
    share = f"{100 * found['mean']:.1f} %（{100 * low:.1f} 至 {100 * high:.1f} %）"
    return f"每个任务的预算为 {budget(level['budget'])} 时，{row['name']} 解决 {share}，{how}。"


def at_cost(found: Document) -> str:
    """The best at a cost."""
    if found["best"] is None:
        return f"预算为 {budget(found['budget'])}：成本均未知。"
    return f"预算为 {budget(found['budget'])} 时，解决最多的是 {found['best']}。"


def at_quality(found: Document) -> str:
    """The cheapest at a quality."""
    wanted = f"{100 * found['quality']:g} %"
    if found["cheapest"] is None:
        return f"没有系统能确定达到 {wanted} 的成功率。"
    return f"能确定达到 {wanted} 成功率的系统中，最便宜的是 {found['cheapest']}。"


def of_guard(row: Document) -> str:
    """A System against the one that guards."""
    head = f"守卫：{row['name']} 对比 {row['base']}"
    if row["passed"] is None:
        return f"{head}：无法判断。"
    change = f"每次成功的成本{'高' if row['ratio'] > 1 else '低'} {abs(100 * (row['ratio'] - 1)):.1f} %"
    if row["passed"]:
        noise = "，未超出噪声" if row["ratio"] > 1 else ""
        return f"{head}：{change}{noise}；上升 {100 * row['detectable']:.0f} % 时有五分之四的机会被发现。"
    return f"{head}：{change}，至少 {100 * (row['bound'] - 1):+.1f} %（单侧 95 %）。"


def of_power(power: Document) -> str:
    """What n can decide."""
    margin, n = f"{100 * power['margin']:g}", power["n"]
    differ = f"若两系统在 {100 * power['discordance']:.0f} % 的任务上结果不同"
    if n >= power["needed"]:
        return f"{differ}，n={n} 足以判断 {margin} 个百分点的界值。"
    return (
        f"n={n} 不足以判断 {margin} 个百分点的界值：{differ}，约需 {_round(power['needed'])} 个任务；n={n} 最多能判断 "
        f"{100 * power['decidable']:.1f} 个百分点。"
    )


def budget(limits: Mapping[str, Any]) -> str:
    """`0.001 美元，2000 token`."""
    return "，".join(f"{value} {UNITS.get(key, key)}" for key, value in limits.items())


def _reason(found: Document) -> str:
    return Words("zh").told(found.get("reason") or "") or "没有区间"


def _share(share: float) -> str:
    value = 100 * share
    return f"{value:.0f}" if 1 <= value <= 99 or value > 100 or value == 0 else significant(value, 2)


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−").replace("+0.0", "0.0").replace("−0.0", "0.0")


def _round(n: int) -> str:
    return f"{round(n, -max(0, len(str(n)) - 2)):,}"
