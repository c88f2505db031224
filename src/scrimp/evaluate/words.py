"""What a comparison may say: the one place that turns intervals into words.

"More efficient" needs both conditions of the project's evidence rules (the interval of the cost
ratio below 1, and success non-inferior by the margin at an n that the margin needs) and controls
that were run. Anything less is said as what it is, or as "cannot tell".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scrimp.evaluate.statistics import CostRatio, Estimate, NonInferiority, n_for_margin

CONTROLS_NOT_RUN = "controls not run"
PLANNED_DISCORDANCE = 0.10
"""Share of tasks on which two Systems are taken to differ before anybody knows (EVIDENCE rule 4)."""
CHANCE = 0.05
"""Chance of any false "more efficient" among all comparisons of an experiment."""
Cost = Literal["cheaper", "dearer", "equal", "cannot tell"]
Success = Literal["better", "non-inferior", "worse", "cannot tell"]
Verdict = Literal[
    "cheaper and better",
    "cheaper and non-inferior",
    "cheaper, success cannot tell",
    "cheaper but worse",
    "better but costs more",
    "costs more",
    "costs more, success cannot tell",
    "worse",
    "better, cost cannot tell",
    "non-inferior, cost cannot tell",
    "worse, cost cannot tell",
    "better at equal cost",
    "no difference",
    "worse at equal cost",
    "equal cost, success cannot tell",
    "cannot tell",
]

VERDICTS: dict[tuple[Cost, Success], Verdict] = {
    ("cheaper", "better"): "cheaper and better",
    ("cheaper", "non-inferior"): "cheaper and non-inferior",
    ("cheaper", "cannot tell"): "cheaper, success cannot tell",
    ("cheaper", "worse"): "cheaper but worse",
    ("dearer", "better"): "better but costs more",
    ("dearer", "non-inferior"): "costs more",
    ("dearer", "cannot tell"): "costs more, success cannot tell",
    ("dearer", "worse"): "worse",
    ("equal", "better"): "better at equal cost",
    ("equal", "non-inferior"): "no difference",
    ("equal", "cannot tell"): "equal cost, success cannot tell",
    ("equal", "worse"): "worse at equal cost",
    ("cannot tell", "better"): "better, cost cannot tell",
    ("cannot tell", "non-inferior"): "non-inferior, cost cannot tell",
    ("cannot tell", "worse"): "worse, cost cannot tell",
    ("cannot tell", "cannot tell"): "cannot tell",
}


@dataclass(frozen=True, slots=True)
class Saying:
    """A verdict for programs and a sentence for people."""

    verdict: Verdict
    text: str


def says(
    a: str, b: str, success: NonInferiority, cost: CostRatio, *, controls_run: bool, chance: float | None = None
) -> Saying:
    """What may be said of `b` against `a`.

    Args:
        a, b: the systems' names, as they are; whoever prints them into HTML escapes them.
        success: from `statistics.non_inferior(a, b)`.
        cost: from `statistics.log_cost_ratio(a, b)`; its estimates may be missing.
        controls_run: whether the controls of evidence rule 3 stand beside. Without them nothing is
            called more efficient, and the sentence ends in "controls not run".
        chance: p-value of "not more efficient", adjusted for all comparisons that were made; from 0.05 on nothing is
            called more efficient either.
    """
    verdict = VERDICTS[_cost_side(cost.ratio), _success_side(success)]
    text = f"{b} {_cost_words(cost.ratio, a)}{_success_words(success, verdict)}"
    if verdict in ("cheaper and non-inferior", "cheaper and better") and controls_run:
        if chance is None or chance < CHANCE:
            text = f"{b} is more efficient than {a}: it {text[len(b) + 1 :]}"
        else:
            text = f"{text}; among so many comparisons that may be chance (adjusted p = {chance:.2f})"
    if not controls_run:
        text = f"{text}; {CONTROLS_NOT_RUN}"
    return Saying(verdict, f"{text}.")


def _cost_side(ratio: Estimate) -> Cost:
    if ratio.interval is None:
        return "cannot tell"
    low, high = ratio.interval
    if low == high == 1:
        return "equal"
    return "cheaper" if high < 1 else "dearer" if low > 1 else "cannot tell"


def _success_side(success: NonInferiority) -> Success:
    """A proven loss within the margin still counts as non-inferior; the sentence names it."""
    if success.answer == "no":
        return "worse"
    if success.answer == "yes":
        return "better" if success.higher else "non-inferior"
    return "cannot tell"


def _cost_words(ratio: Estimate, a: str) -> str:
    side = _cost_side(ratio)
    if side == "equal":
        return f"costs the same as {a}"
    if ratio.interval is None:
        return f"against {a}, cost: cannot tell ({ratio.reason or 'no interval'})"
    low, high = ratio.interval
    if side == "cannot tell":
        middle = "" if ratio.mean is None else f"{ratio.mean:.2f}, "
        return f"against {a}, cost: cannot tell (ratio {middle}95 % interval {low:.2f} to {high:.2f})"
    mean = math.sqrt(low * high) if ratio.mean is None else ratio.mean
    if side == "cheaper":
        return f"costs {_percent(1 - mean)} % less than {a} (95 % interval {_span(1 - high, 1 - low)} %)"
    if mean < 2:
        return f"costs {_percent(mean - 1)} % more than {a} (95 % interval {_span(low - 1, high - 1)} %)"
    return f"costs {mean:.3g} times as much as {a} (95 % interval {low:.3g} to {high:.3g} times)"


def _success_words(success: NonInferiority, verdict: Verdict) -> str:
    side, margin = _success_side(success), _points(success.margin)
    interval = success.difference.interval or (-1.0, 1.0)
    span = f"{_signed(interval[0])} to {_signed(interval[1])} points"
    if side == "better":
        return f" at higher success ({span})"
    if side == "non-inferior":
        lower = f", lower all the same: {span}" if success.lower else ""
        return f" at non-inferior success (margin {margin} points{lower})"
    if side == "worse":
        return f" and succeeds less often, by more than the margin of {margin} points ({span})"
    lead = "; success: cannot tell" if verdict != "cannot tell" else "; success: cannot tell either"
    n, needed = success.difference.n, _needed(success)
    if success.lower:
        return f"; success is lower ({span}), by more than the margin of {margin} points or not: cannot tell"
    if n < needed:
        about = f"about {_round(needed)} tasks needed for a margin of {margin} points"
        return f"{lead}: n={n}, {about} (difference {span})"
    return f"{lead}: n={n}, the difference of {span} reaches past the margin of {margin} points"


def _needed(success: NonInferiority) -> int:
    """Tasks to plan for: at 10 % discordant, or at the share seen where it is higher."""
    return n_for_margin(success.margin, max(PLANNED_DISCORDANCE, success.discordant))


def _percent(share: float) -> str:
    """Whole percents, with as many decimals as a small one needs to differ from 0 (and a large saving from 100)."""
    value = 100 * share
    if 1 <= value <= 99 or value > 100 or value == 0:
        return f"{value:.0f}"
    return f"{value:.1f}" if 0.1 <= value < 99.95 else f"{value:.2g}" if value < 1 else f"{value:.3f}"


def _span(low: float, high: float) -> str:
    return f"{_percent(low)} to {_percent(high)}"


def _points(share: float) -> str:
    return f"{100 * share:.2g}"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−").replace("+0.0", "0.0").replace("−0.0", "0.0")


def _round(n: int) -> str:
    """Two leading figures, as "about" promises; thousands apart."""
    digits = max(0, len(str(n)) - 2)
    return f"{round(n, -digits):,}"
