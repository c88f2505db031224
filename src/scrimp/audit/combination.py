"""Remedies together: chosen one after the other by what each adds, billed at once, and written down as a System.

Savings do not add up: two remedies may save the same tokens, and one may break the cache that the other lives on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from scrimp.audit.bill import Biller
from scrimp.audit.draft import Draft, Remedy, draft
from scrimp.audit.measure import Run
from scrimp.audit.remedies.table import EITHER, REMEDIES
from scrimp.audit.remedy import with_option
from scrimp.audit.sums import net_of
from scrimp.core.errors import InputError, OutsideError
from scrimp.core.toml import toml
from scrimp.journal.locks import write_whole
from scrimp.models.names import CACHE_WORDS, SERVICE_WORDS
from scrimp.models.providers import split_options

RUNS = 200
"""Runs on which combinations are tried, drawn like any sample."""

LABELS = ("exact", "behavioural", "hindsight bound")
"""From the surest to the least sure."""

CANDIDATES = ("exact", "behavioural")
"""What a combination is made of: a hindsight bound cannot be switched on."""

APART = ("batch-tier", "flex-tier", "cheaper-model", "lower-effort")
"""Left out: whether anybody waits, or another model is good enough, no record tells."""

FIRST = "prompt-cache"
"""Where a combination begins."""

BESIDE = (FIRST, "cache-layout", "cache-lifetime")
"""Tried even if they save nothing alone: they may save beside one another."""

WORTH = Decimal("0.005")
"""Share of the cost that a remedy must add to be taken in."""


@dataclass
class Combination:
    """Remedies that were chosen, with what they save on the runs they were tried on, in dollars.

    Attributes:
        net: of all together, billed once; `span` its least and its most.
        alone: the sum of what each saves by itself; `exact` what the exact ones among them save together.
        unpriced: runs that are left out, since nobody states a price.
    """

    chosen: list[Remedy] = field(default_factory=list)
    net: Decimal = Decimal(0)
    span: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    cost: Decimal = Decimal(0)
    alone: Decimal = Decimal(0)
    exact: Decimal = Decimal(0)
    runs: int = 0
    unpriced: int = 0

    def to_json(self, whole: Decimal | None, scale: Decimal | None) -> dict[str, Any]:
        """The `combination` of an audit's document; dollars over all runs, in proportion to their cost."""
        factor = whole / self.cost if whole is not None and self.cost else Decimal(1)
        labels = [remedy.exactness for remedy in self.chosen]
        out: dict[str, Any] = {
            "remedies": [remedy.name for remedy in self.chosen],
            "net": float(self.net * factor),
            "share": float(self.net / self.cost) if self.cost else None,
            "interval": [float(end * factor) for end in self.span],
            "sum_of_single": float(self.alone * factor),
            "exact_only": float(self.exact * factor),
            "exactness": max(labels, key=LABELS.index) if labels else None,
            "tried_on_runs": self.runs,
            "unpriced_runs": self.unpriced,
        }
        if scale is not None:
            out["per_month"] = float(self.net * factor * scale)
            out["sum_of_single_per_month"] = float(self.alone * factor * scale)
        return out


class Tried:
    """A run on which combinations are tried."""

    def __init__(self, run: Run) -> None:
        self.biller, self.was = Biller(run), draft(run)
        self.before = self.biller.bill(self.was)
        self.cost = self.before.dollars()

    def nets(self, options: Sequence[Sequence[Remedy]]) -> list[Decimal]:
        """Dollars that each option saves; nothing where a price is unknown.

        What options begin with in common is made once, and nothing of it is kept: long runs are large.
        """
        made: dict[tuple[str, ...], Draft] = {}
        found = [net_of(self.before, self.biller.bill(self._made(option, made)), "recorded") for option in options]
        return [net or Decimal(0) for net in found]

    def span(self, remedies: Sequence[Remedy]) -> tuple[Decimal, Decimal]:
        """The least and the most dollars that they save together."""
        return self.biller.span(self.before, self.biller.bill(self._made(remedies, {}))) or (Decimal(0), Decimal(0))

    def _made(self, remedies: Sequence[Remedy], known: dict[tuple[str, ...], Draft]) -> Draft:
        """The run with remedies, in the order of their ranks."""
        if not remedies:
            return self.was
        names = tuple(remedy.name for remedy in remedies)
        if names not in known:
            known[names] = remedies[-1].apply(self._made(remedies[:-1], known))
        return known[names]


def combine(runs: Sequence[Run], shares: Mapping[str, Decimal]) -> Combination:
    """The remedies that together save most, chosen greedily; exact and behavioural ones only.

    Args:
        shares: of the cost, what each remedy saves by itself; those that save next to nothing are not tried.
    """
    tried = [Tried(run) for run in runs if run.calls]
    priced = [one for one in tried if one.cost is not None]
    cost = sum((one.cost or Decimal(0) for one in priced), Decimal(0))
    found = Combination(cost=cost, runs=len(tried), unpriced=len(tried) - len(priced))
    if not cost:
        return found
    candidates = [remedy for remedy in REMEDIES if remedy.exactness in CANDIDATES and remedy.name not in APART]
    alone = {remedy.name: shares.get(remedy.name, Decimal(0)) * cost for remedy in candidates}
    worth = WORTH * cost
    promising = [remedy for remedy in candidates if alone[remedy.name] >= worth or remedy.name in BESIDE]
    found.chosen = _grown(priced, promising, worth)
    found.alone = sum((alone[remedy.name] for remedy in found.chosen), Decimal(0))
    exact = [remedy for remedy in found.chosen if remedy.exactness == "exact"]
    found.net, found.exact = _nets(priced, [found.chosen, exact])
    for one in priced:
        low, high = one.span(found.chosen)
        found.span = (found.span[0] + low, found.span[1] + high)
    return found


def _grown(priced: Sequence[Tried], left: list[Remedy], worth: Decimal) -> list[Remedy]:
    """Remedies taken in one by one, each the one that adds most, while it adds as much as it is worth.

    The cache is on from the beginning: what keeps it whole saves only beside it. What adds nothing to the others in
    the end is put out again.
    """
    chosen, net = [remedy for remedy in left if remedy.name == FIRST], Decimal(0)
    if chosen:
        [net] = _nets(priced, [chosen])
        left = [remedy for remedy in left if remedy not in chosen]
    while left:
        options = [sorted([*chosen, remedy], key=lambda item: item.rank) for remedy in left]
        nets = _nets(priced, options)
        at = max(range(len(left)), key=nets.__getitem__)
        if nets[at] - net < worth:
            break
        chosen, net, best = options[at], nets[at], left[at]
        others = {name for group in EITHER if best.name in group for name in group}
        left = [remedy for remedy in left if remedy is not best and remedy.name not in others]
    for remedy in list(chosen):
        fewer = [other for other in chosen if other is not remedy]
        [without] = _nets(priced, [fewer])
        if net - without < worth:
            chosen, net = fewer, without
    return chosen


def _nets(priced: Sequence[Tried], options: Sequence[Sequence[Remedy]]) -> list[Decimal]:
    """Dollars that each option saves on all runs."""
    totals = [Decimal(0)] * len(options)
    for one in priced:
        totals = [total + net for total, net in zip(totals, one.nets(options), strict=True)]
    return totals


# -- as a System -------------------------------------------------------------------------------------


def emit_config(rows: Sequence[Mapping[str, Any]], chosen: Sequence[str], path: Path, model: str = "") -> None:
    """Write the chosen remedies as the TOML of a System, all of it or nothing.

    Args:
        rows: the `remedies` of an audit's document.
        model: the main model, to which options (`?cache=1h`) are added.

    Raises:
        InputError: the folder is not there.
        OutsideError: the disk refuses.
    """
    text = config(rows, chosen, model)
    if not path.parent.is_dir():
        raise InputError(f"--emit-config: there is no folder {path.parent}")
    try:
        write_whole(path, text)
    except OSError as error:
        raise OutsideError(f"{path} could not be written: {error.strerror}") from error


def config(rows: Sequence[Mapping[str, Any]], chosen: Sequence[str], model: str = "") -> str:
    """The TOML of a System with the chosen remedies."""
    by_name = {row["name"]: row for row in rows}
    picked = [by_name[name] for name in chosen if name in by_name]
    lines = ["# What `scrimp audit` chose; each with what it would have saved on the recorded runs."]
    keys: dict[str, Any] = {}
    for row in picked:
        keys |= {key: value for key, value in row["settings"].items() if key not in ("transform", "model")}
        option = row["settings"].get("model", "")
        if not option:
            continue
        if model and takes(model, option):
            model = with_option(model, *option.removeprefix("?").split("=", 1))
        else:
            lines.append(f"# {row['name']} is switched on by {option} behind the name of a model that knows it.")
    if model:
        lines.append(f"model = {toml(model)}")
    lines += [f"{key} = {toml(value)}" for key, value in keys.items()]
    for row in picked:
        lines += ["", *_comment(row)]
        if not row["settings"]:
            lines.append("# Nothing to switch on here: it takes a change of the agent, or the provider does it.")
        for table in row["settings"].get("transform", ()):
            lines.append("[[transform]]")
            lines += [f"{key} = {toml(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def takes(model: str, option: str) -> bool:
    """Whether a model can be opened with an option behind its name (`?cache=1h`)."""
    key, _, value = option.removeprefix("?").partition("=")
    provider = model.partition(":")[0]
    if key in split_options(model)[1]:
        return False
    if key == "cache":
        return provider == "anthropic" and value in CACHE_WORDS
    return key == "service" and value in SERVICE_WORDS.get(provider, ())


def _comment(row: Mapping[str, Any]) -> list[str]:
    share = row["share"] or 0.0
    low, high = row.get("interval") or (None, None)
    between = "" if low is None else f", between ${low:,.2f} and ${high:,.2f} on these runs"
    return [
        f"# {row['name']}: {row['title']}. Saves {100 * share:.1f} % alone{between} ({row['exactness']}).",
        f"# Assumes: {' '.join(row['assumes'].split())}",
    ]
