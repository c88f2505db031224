"""A provider's usage export against the traces: each day and model of the invoice beside what was recorded.

The columns are told by their names, in any order: OpenAI's and Anthropic's usage and cost exports, OpenRouter's
activity, and plain tables of date, model, tokens and cost.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from scrimp.audit.measure import Run
from scrimp.audit.names import model_name
from scrimp.core.errors import InputError
from scrimp.core.money import plain
from scrimp.core.usage import NO_USAGE, Usage

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "day", "usage_date_utc", "usage_date", "timestamp", "start_time", "start_time_iso", "created_at",
             "date_utc", "bucket_start_time"),
    "model": ("model", "model_version", "model_permaslug", "model_slug", "snapshot_id", "line_item", "model_name"),
    "input": ("usage_input_tokens_no_cache", "uncached_input_tokens", "input_uncached_tokens", "fresh_input_tokens"),
    "input_all": ("input_tokens", "n_context_tokens_total", "prompt_tokens", "tokens_prompt", "context_tokens"),
    "cached": ("input_cached_tokens", "cached_input_tokens", "usage_input_tokens_cache_read", "cache_read_input_tokens",
               "cache_read_tokens", "cached_tokens"),
    "write": ("usage_input_tokens_cache_write_5m", "cache_write_tokens", "cache_creation_input_tokens",
              "cache_write_input_tokens", "usage_input_tokens_cache_write"),
    "write_1h": ("usage_input_tokens_cache_write_1h",),
    "output": ("output_tokens", "n_generated_tokens_total", "usage_output_tokens", "completion_tokens",
               "tokens_completion", "generated_tokens"),
    "cost": ("cost", "cost_usd", "amount_value", "amount", "total_cost", "usage", "cost_in_usd"),
    "calls": ("num_model_requests", "n_requests", "requests", "request_count"),
}  # fmt: skip
"""Names that exports give to what we look for, the first that is there is taken."""

CENT = Decimal("0.005")
STATES = ("equal", "within the estimate", "different", "missing in the traces", "missing in the invoice")


@dataclass
class Line:
    """A day and model, from one side: tokens where they are told, dollars where they are."""

    usage: Usage = NO_USAGE
    dollars: Decimal | None = None
    calls: int = 0
    tokens_told: bool = False
    spread: float = 0.0


@dataclass
class Reconciliation:
    """Both sides by (day, model); what could not be placed is apart.

    Attributes:
        undated: model calls of runs without times, and `unnamed` of runs that name no model.
    """

    invoice: dict[tuple[str, str], Line] = field(default_factory=dict)
    traces: dict[tuple[str, str], Line] = field(default_factory=dict)
    undated: int = 0
    unnamed: int = 0
    has_dates: bool = True

    @property
    def agrees(self) -> bool:
        """Whether every line is equal, or differs by no more than what was estimated."""
        states = [self._state(key) for key in self._keys()]
        return bool(states) and all(state in STATES[:2] for state in states) and not (self.undated or self.unnamed)

    def to_json(self) -> dict[str, Any]:
        """The document of `scrimp audit reconcile --json`."""
        lines = [self._line(key) for key in self._keys()]
        counts = {state: sum(line["state"] == state for line in lines) for state in STATES}
        known = [line.dollars for line in self.invoice.values() if line.dollars is not None]
        ours = [line.dollars for line in self.traces.values() if line.dollars is not None]
        return {
            "agrees": self.agrees,
            "says": self._says(counts, sum(known, Decimal(0)), sum(ours, Decimal(0)), bool(known)),
            "lines": lines,
            "counts": counts,
            "invoice": {"cost": plain(sum(known, Decimal(0))) if known else None},
            "traces": {"cost": plain(sum(ours, Decimal(0))) if ours else None},
            "undated_calls": self.undated,
            "unnamed_calls": self.unnamed,
        }

    def _keys(self) -> list[tuple[str, str]]:
        return sorted({*self.invoice, *self.traces})

    def _line(self, key: tuple[str, str]) -> dict[str, Any]:
        theirs, ours = self.invoice.get(key), self.traces.get(key)
        return {"date": key[0] or None, "model": key[1], "state": self._state(key), "invoice": _side(theirs),
                "traces": _side(ours), "difference": _difference(theirs, ours)}  # fmt: skip

    def _state(self, key: tuple[str, str]) -> str:
        theirs, ours = self.invoice.get(key), self.traces.get(key)
        if ours is None:
            return "missing in the traces"
        if theirs is None:
            return "missing in the invoice"
        tokens = not theirs.tokens_told or (
            theirs.usage.prompt == ours.usage.prompt and theirs.usage.output == ours.usage.output
        )
        money = (
            theirs.dollars is None or (ours.dollars is not None and abs(theirs.dollars - ours.dollars) < CENT)
        )  # fmt: skip
        if tokens and money:
            return "equal"
        if ours.spread and _near(theirs, ours):
            return "within the estimate"
        return "different"

    def _says(self, counts: Mapping[str, int], invoice: Decimal, traces: Decimal, priced: bool) -> str:
        total = sum(counts.values())
        money = f"; the invoice comes to ${invoice:.2f}, the traces to ${traces:.2f}" if priced else ""
        apart = f"; {self.undated} calls have no time" if self.undated and self.has_dates else ""
        apart += f"; {self.unnamed} calls name no model" if self.unnamed else ""
        fine = counts["equal"] + counts["within the estimate"]
        return f"{fine} of {total} lines agree ({counts['equal']} to the token and the cent){money}{apart}"


def reconcile(invoice: Path, runs: Iterable[Run]) -> Reconciliation:
    """Hold an invoice against runs.

    Raises:
        InputError: the invoice cannot be read, or has no column of a model, or none of tokens or dollars.
    """
    rows = list(_rows(invoice))
    found = Reconciliation(has_dates=any(day for day, _, _ in rows))
    for day, model, line in rows:
        _add(found.invoice, (day, model), line)
    known = {model for _, model in found.invoice}
    for run in runs:
        for call in run.calls:
            if not call.model:
                found.unnamed += 1
                continue
            started = call.step.started
            if started is None and found.has_dates:
                found.undated += 1
                continue
            day = datetime.fromtimestamp(started, UTC).date().isoformat() if started and found.has_dates else ""
            spread = 0.0 if call.told else run.spread or 0.14
            line = Line(call.usage, call.money.amount, 1, True, spread)
            _add(found.traces, (day, _same_model(call.model, known)), line)
    return found


def _add(side: dict[tuple[str, str], Line], key: tuple[str, str], line: Line) -> None:
    before = side.get(key)
    if before is None:
        side[key] = line
        return
    both = before.dollars is not None and line.dollars is not None
    dollars = (before.dollars or Decimal(0)) + (line.dollars or Decimal(0)) if both else before.dollars or line.dollars
    side[key] = Line(
        before.usage + line.usage, dollars, before.calls + line.calls, before.tokens_told or line.tokens_told,
        max(before.spread, line.spread),
    )  # fmt: skip


def _same_model(model: str, known: set[str]) -> str:
    """The invoice's name of a model: as it is, or with or without the date at its end."""
    if model in known:
        return model
    near = [name for name in known if name.startswith(f"{model}-20") or model.startswith(f"{name}-20")]
    return near[0] if len(near) == 1 else model


def _rows(path: Path) -> Iterator[tuple[str, str, Line]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"the invoice {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"the invoice {path} is no UTF-8 text", remedy="export it as CSV") from error
    reader = csv.DictReader(text.splitlines())
    names = {str(name).strip().lower().replace(" ", "_"): name for name in reader.fieldnames or ()}
    told = {what: next((name for name in known if name in names), "") for what, known in COLUMNS.items()}
    columns = {what: names[name] for what, name in told.items() if name}
    if "model" not in columns or not columns.keys() & {"input", "input_all", "output", "cost"}:
        raise InputError(
            f"{path} has no column of a model, or none of tokens or dollars",
            remedy="columns such as date, model, input_tokens, cached_input_tokens, output_tokens, cost",
        )
    for number, row in enumerate(reader, start=2):
        model = model_name(str(row.get(columns["model"]) or "").partition(",")[0])
        if model:
            yield _day(row, columns, path, number), model, _line(row, columns, path, number)


def _line(row: Mapping[str, Any], columns: Mapping[str, str], path: Path, number: int) -> Line:
    def amount(what: str) -> Decimal | None:
        text = str(row.get(columns[what]) or "").strip().lstrip("$").replace(",", "") if what in columns else ""
        if not text:
            return None
        try:
            return Decimal(text)
        except InvalidOperation as error:
            raise InputError(f"{path}, line {number}: {columns[what]} is no number") from error

    def count(what: str) -> int:
        return int(amount(what) or 0)

    cached, written = count("cached"), count("write") + count("write_1h")
    # A column of all input includes what the cache served; one of uncached input does not.
    fresh = count("input") if "input" in columns else max(0, count("input_all") - cached - written)
    told = bool(columns.keys() & {"input", "input_all", "output"})
    return Line(Usage(fresh, cached, written, count("output")), amount("cost"), count("calls"), told)


def _day(row: Mapping[str, Any], columns: Mapping[str, str], path: Path, number: int) -> str:
    text = str(row.get(columns["date"]) or "").strip() if "date" in columns else ""
    if not text:
        return ""
    try:
        if text.replace(".", "").isdigit():
            return datetime.fromtimestamp(float(text), UTC).date().isoformat()
        made = datetime.fromisoformat(text)
        return (made.astimezone(UTC) if made.tzinfo else made).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"{path}, line {number}: {columns['date']} is no date", remedy="2026-11-26") from error


def _near(theirs: Line, ours: Line) -> bool:
    """Whether two sides differ by no more than estimates may."""
    pairs = []
    if theirs.tokens_told:
        pairs.append((Decimal(theirs.usage.total), Decimal(ours.usage.total)))
    if theirs.dollars is not None and ours.dollars is not None:
        pairs.append((theirs.dollars, ours.dollars))
    return bool(pairs) and all(abs(one - other) <= Decimal(ours.spread) * one for one, other in pairs)


def _side(line: Line | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {"tokens": line.usage.to_json() if line.tokens_told else None,
            "cost": None if line.dollars is None else plain(line.dollars), "calls": line.calls}  # fmt: skip


def _difference(theirs: Line | None, ours: Line | None) -> dict[str, Any] | None:
    if theirs is None or ours is None:
        return None
    money = None if theirs.dollars is None or ours.dollars is None else plain(ours.dollars - theirs.dollars)
    return {"tokens": ours.usage.total - theirs.usage.total if theirs.tokens_told else None, "cost": money}
