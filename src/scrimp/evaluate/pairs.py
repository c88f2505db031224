"""Every two Systems against each other: differences, ratios, tests, and what may be said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from scrimp.evaluate import inference, statistics
from scrimp.evaluate import trial as measured
from scrimp.evaluate.statistics import CostRatio, NonInferiority
from scrimp.evaluate.trial import MEASURES, Trial, paired
from scrimp.evaluate.words import says

Trials = Mapping[str, Sequence[Trial]]


@dataclass(frozen=True)
class Pair:
    """`b` against `a`, on the trials that both have, in the same order."""

    a: str
    b: str
    ours: Sequence[Trial]
    theirs: Sequence[Trial]
    margin: float

    @property
    def tasks(self) -> list[str]:
        return measured.tasks(self.ours)

    def success(self) -> NonInferiority:
        """Whether b succeeds as often, but for the margin."""
        ours, theirs = measured.success(self.ours), measured.success(self.theirs)
        return statistics.non_inferior(ours, theirs, self.tasks, margin=self.margin)

    def ratios(self) -> dict[str, CostRatio]:
        """Ratios of what they used, by measure; those whose amounts are not known are left out."""
        found = {}
        for name, measure in MEASURES.items():
            one, other = measure(self.ours), measure(self.theirs)
            if one is not None and other is not None:
                found[name] = statistics.log_cost_ratio(one, other, self.tasks)
        return found

    def chances(self) -> dict[str, float | None]:
        """P-values of equal success, of equal cost, and of "b is not more efficient"."""
        ours, theirs = measured.success(self.ours), measured.success(self.theirs)
        one, other = measured.dollars(self.ours), measured.dollars(self.theirs)
        if one is None or other is None:  # physical units decide where a price is unknown
            one, other = measured.tokens(self.ours) or [], measured.tokens(self.theirs) or []
        return {
            "success": inference.success_p(ours, theirs, self.tasks),
            "cost": inference.cost_p(one, other, self.tasks),
            "efficient": inference.efficient_p(one, other, ours, theirs, self.tasks, self.margin),
        }


STRUCTURE = "the model is an oracle, so this is structure only"


def pairs(
    trials: Trials, controls: frozenset[str], margin: float, controls_run: bool, oracle: bool = False
) -> list[dict[str, Any]]:
    """Every two Systems, and each System against the controls; never two controls. Holm's correction is over all.

    Args:
        trials: of each System and control, in the order of the document.
        margin: of non-inferiority, 0 to 1.
        oracle: whether the model is one; each sentence says so then (EVIDENCE rule 6).
    """
    made = []
    for a, b in combinations(trials, 2):
        if a not in controls or b not in controls:
            made.append(Pair(a, b, *paired(trials[a], trials[b]), margin))
    chances = [pair.chances() if pair.ours else None for pair in made]
    adjusted = inference.holm([one["efficient"] if one else None for one in chances])
    told = [_told(pair, one, p, len(made), controls_run) for pair, one, p in zip(made, chances, adjusted, strict=True)]
    if oracle:
        for one in told:
            one["structure_only"], one["says"] = True, f"{one['says'].removesuffix('.')}; {STRUCTURE}."
    return told


def _told(
    pair: Pair, chances: Mapping[str, float | None] | None, adjusted: float | None, of: int, controls_run: bool
) -> dict[str, Any]:
    if chances is None:
        nothing = {"success_difference": None, "cost_ratio": None}
        return {"a": pair.a, "b": pair.b, **nothing, "says": f"{pair.a} and {pair.b}: no trial in common."}
    success, ratios = pair.success(), pair.ratios()
    decisive = ratios.get("cost") or ratios["tokens"]
    saying = says(pair.a, pair.b, success, decisive, controls_run=controls_run, chance=adjusted)
    return {
        "a": pair.a,
        "b": pair.b,
        "n": success.difference.n,
        "success_difference": success.difference.to_json(),
        "non_inferior": success.answer,
        "margin": pair.margin,
        "n_needed": success.needed,
        "discordant": success.discordant,
        "cost_ratio": ratios["cost"].to_json() if "cost" in ratios else None,
        **{f"{name}_ratio": ratios[name].to_json() for name in ("tokens", "seconds", "calls")},
        "p": dict(chances),
        "p_adjusted": adjusted,
        "compared": of,
        "verdict": saying.verdict,
        "says": saying.text,
    }
