"""The result document of an experiment, read into plain values for charts and page.

The document is the JSON of `compare`. Numbers may be numbers or decimal strings; Money, Tokens and
the ledger are as every command prints them. Keys marked ? may be missing or null.

    {"experiment": str, "bench": str, "model": str,
     "n": int,                                          tasks
     "systems": [{
        "name": str,
        "n": int,                                       tasks
        "runs": int?,                                   tasks x seeds; n where missing
        "effectiveness": {"mean", "interval": [low, high]?, "reason"?},          0 to 1
        "score": as effectiveness?,                     the benchmark's finer measure
        "cost": Money + {"mean"?, "interval"?, "reason"?},     amount: all runs; mean: per run
        "tokens": Tokens?,                              all runs; the ledger's total where missing
        "cost_of_pass": {"kind", "mean"?, "interval"?, "never_solved"?, "reason"?}?,
        "latency": {"mean", "p50", "p95"}?,             seconds per run
        "ledger": {"total": Cell, "components": {name: Cell}, "terms": {name: Cell},
                   "phases"?, "retries"?, "prompts"?: {name: Cell}, "harness"?: Cell,
                   "wall_seconds"?, "events"?},         all runs
        "on_frontier": bool,
        "role": "system" or "control"?, "frontier_probability": number?, "metrics": {}?, "prices_robustness": {}?}],
     "pairs": [{"a", "b", "success_difference", "cost_ratio", "says": str}],
     "hypervolume": {"value", "reference": {"cost", "effectiveness"}, "cost_scale"}?,
     "curves", "levels", "at_cost", "at_quality", "guard", "power"?: as evaluate/document.py writes them,
     "forecast": {str: number or str}?,
     "prices": str?,                                    label and date of the reference price list
     "controls": str?,                                  "not run" (assumed where missing), or which were
     "margin": number?,                                 0 to 1
     "seeds": int or [int]?, "date": str?, "command": str?, "notes": [str]?}

    Cell: {"cost": Money, "tokens": Tokens, "calls": int, "busy_seconds": decimal}

What is unknown stays None all the way to the page; it never becomes 0.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from scrimp.core.errors import InputError

TOKEN_KINDS = ("input", "cached_input", "cache_write", "output", "reasoning", "images")
NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Value:
    """A figure with its interval; each None where it is missing, `reason` then says why."""

    mean: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Amount:
    """Money as printed: exact, or None with the part that is known."""

    exact: Decimal | None
    state: str
    currency: str
    known: Decimal | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a ledger, over all runs."""

    name: str
    cost: Amount
    tokens: Mapping[str, int]
    calls: int
    busy_seconds: Decimal

    @property
    def all_tokens(self) -> int:
        """Sent and received; reasoning is part of output, and images are no tokens."""
        return sum(self.tokens[k] for k in ("input", "cached_input", "cache_write", "output"))


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where one system's cost went; `others` are the named parts that are no partition (phases, retries, harness)."""

    total: Cell
    components: tuple[Cell, ...]
    terms: tuple[Cell, ...]
    others: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One system."""

    number: int
    name: str
    n: int
    runs: int
    success: Value
    cost: Value
    amount: Amount
    tokens: Mapping[str, float]
    pass_cost: Value
    pass_kind: str
    never_solved: int | None
    seconds: Mapping[str, float | None]
    ledger: Ledger
    on_frontier: bool
    control: bool = False
    probability: float | None = None
    score: Value | None = None  # the finer measure of the benchmark, where it says something else than success


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the page shows."""

    experiment: str
    bench: str
    model: str
    n: int
    rows: tuple[Row, ...]
    sayings: tuple[str, ...]
    controls: str
    prices: str
    margin: float | None
    seeds: str
    date: str
    command: str
    notes: tuple[str, ...]
    hypervolume: str
    forecast: tuple[tuple[str, str], ...]

    @property
    def controls_run(self) -> bool:
        """Whether anything may be called more efficient here."""
        return self.controls != NOT_RUN


def read(document: Mapping[str, Any]) -> Report:
    """The document as plain values.

    Raises:
        InputError: a key is missing or holds something else than the module's docstring says.
    """
    try:
        systems = document["systems"]
        if not systems:
            raise InputError("the experiment holds no systems", remedy="run compare with at least one system")
        rows = tuple(_row(i, system) for i, system in enumerate(systems, 1))
        margin = document.get("margin")
        return Report(
            experiment=clean(document["experiment"]),
            bench=clean(document["bench"]),
            model=clean(document["model"]),
            n=int(document["n"]),
            rows=rows,
            sayings=tuple(clean(pair["says"]) for pair in document.get("pairs") or ()),
            controls=clean(document.get("controls") or NOT_RUN),
            prices=clean(document.get("prices") or ""),
            margin=None if margin is None else float(margin),
            seeds=_seeds(document.get("seeds")),
            date=clean(document.get("date") or ""),
            command=clean(document.get("command") or ""),
            notes=tuple(clean(note) for note in document.get("notes") or ()) + _broken_sums(rows),
            hypervolume=_hypervolume(document.get("hypervolume")),
            forecast=tuple((clean(k), clean(v)) for k, v in (document.get("forecast") or {}).items()),
        )
    except KeyError as missing:
        raise InputError(f"the experiment's result lacks {missing}", remedy="write it again with compare") from missing
    except (TypeError, ValueError, AttributeError, InvalidOperation) as wrong:
        remedy = "write it again with compare"
        raise InputError(f"the experiment's result is malformed: {wrong}", remedy=remedy) from wrong


def said(document: Mapping[str, Any]) -> Iterator[str]:
    """Every statement of a document in words: of pairs, of levels, and what was asked for."""
    yield from (pair["says"] for pair in document.get("pairs") or ())
    for level in document.get("levels") or ():
        yield from (f"{line}." for line in level["says"])
    for key in ("at_cost", "at_quality", "guard", "power"):
        if document.get(key):
            yield document[key]["says"]


def clean(text: Any) -> str:
    """Text without control, direction and broken characters: names come from files and are not trusted."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co") else " " for c in str(text)).strip()


def _row(number: int, system: Mapping[str, Any]) -> Row:
    n = int(system["n"])
    runs = int(system.get("runs") or n)
    ledger = _ledger(system["ledger"])
    tokens = _tokens(system["tokens"]) if system.get("tokens") else ledger.total.tokens
    passed, seconds = system.get("cost_of_pass") or {}, system.get("latency") or {}
    never = passed.get("never_solved")
    amount = _amount(system["cost"])
    cost = _value(system["cost"])
    if amount.exact is None:
        cost = Value(None, reason=cost.reason or "cost unknown")
    return Row(
        number=number,
        name=clean(system["name"]) or f"system {number}",
        n=n,
        runs=runs,
        success=_value(system["effectiveness"]),
        cost=cost,
        amount=amount,
        tokens={kind: count / max(runs, 1) for kind, count in tokens.items()},
        pass_cost=_value(passed),
        pass_kind=clean(passed.get("kind") or ""),
        never_solved=None if never is None else int(never),
        seconds={key: _number(seconds.get(key)) for key in ("mean", "p50", "p95")},
        ledger=ledger,
        on_frontier=bool(system["on_frontier"]),
        control=system.get("role") == "control",
        probability=_number(system.get("frontier_probability")),
        score=finer(system),
    )


def finer(system: Mapping[str, Any]) -> Value | None:
    """The mean score of a System where it differs from its success."""
    score = system.get("score") or {}
    return None if score.get("mean") in (None, system["effectiveness"].get("mean")) else _value(score)


def _value(found: Mapping[str, Any]) -> Value:
    low, high = found.get("interval") or (None, None)
    return Value(_number(found.get("mean")), _number(low), _number(high), clean(found.get("reason") or ""))


def _number(found: Any) -> float | None:
    if found is None:
        return None
    number = float(found)
    return number if math.isfinite(number) else None


def _amount(money: Mapping[str, Any]) -> Amount:
    exact, known = (None if money.get(key) is None else Decimal(str(money[key])) for key in ("amount", "known"))
    return Amount(exact, clean(money["state"]), clean(money.get("currency") or "USD"), known)


def _tokens(found: Mapping[str, Any]) -> dict[str, int]:
    return {kind: int(found.get(kind) or 0) for kind in TOKEN_KINDS}


def _cell(name: str, found: Mapping[str, Any]) -> Cell:
    return Cell(
        clean(name),
        _amount(found["cost"]),
        _tokens(found["tokens"]),
        int(found["calls"]),
        Decimal(str(found.get("busy_seconds") or 0)),
    )


def _ledger(found: Mapping[str, Any]) -> Ledger:
    others = [(f"memory: {k}", c) for k, c in (found.get("phases") or {}).items()]
    others += [(f"retries: {k}", c) for k, c in (found.get("retries") or {}).items()]
    if found.get("harness"):
        others.append(("harness (not billed to the agent)", found["harness"]))
    cells = [_cell(name, cell) for name, cell in others]
    return Ledger(
        _cell("total", found["total"]),
        tuple(_cell(k, c) for k, c in found["components"].items()),
        tuple(_cell(k, c) for k, c in found["terms"].items()),
        tuple(c for c in cells if c.calls or c.all_tokens or c.cost.exact != 0),
    )


def _broken_sums(rows: Sequence[Row]) -> tuple[str, ...]:
    """A warning for each partition that does not sum to its total, to the last digit."""
    found = []
    for row in rows:
        total = row.ledger.total
        for what, cells in (("components", row.ledger.components), ("terms", row.ledger.terms)):
            amounts = [c.cost.exact for c in cells]
            known = [a for a in amounts if a is not None]
            wrong_money = len(known) == len(amounts) and total.cost.exact not in (None, sum(known, Decimal(0)))
            if wrong_money or sum(c.all_tokens for c in cells) != total.all_tokens:
                found.append(f"{row.name}: the {what} do not sum to the total")
    return tuple(found)


def _seeds(found: Any) -> str:
    if found is None:
        return ""
    return str(found) if isinstance(found, int) else f"{len(found)} ({', '.join(clean(s) for s in found)})"


def _hypervolume(found: Any) -> str:
    if found is None:
        return ""
    if not isinstance(found, Mapping):
        return f"{float(found):.4g}"
    at = found["reference"]
    span = found.get("interval")
    interval = f" ({float(span[0]):.4g}–{float(span[1]):.4g})" if span else ""
    return (
        f"{float(found['value']):.4g}{interval} (linear in cost; reference point: "
        f"cost {float(at['cost']):.4g}, effectiveness {float(at['effectiveness']):.4g})"
    )
