"""The page of an audit: one HTML file that opens from disk, asks for nothing from any network and holds no script."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scrimp.core.errors import InputError, OutsideError
from scrimp.journal.locks import write_whole
from scrimp.report import figures
from scrimp.report.audit_charts import Bar, bars, curve
from scrimp.report.figures import money

WIDE, NARROW = 720, 340


def render(document: Mapping[str, Any]) -> str:
    """The page for the document of `scrimp audit --json`. Every name and text of it is escaped."""
    page: str = _environment().get_template("audit.html").render(d=document, charts=_charts(document))
    return page


def write(document: Mapping[str, Any], file: str | os.PathLike[str]) -> Path:
    """Write the page to a file, whole or not at all.

    Raises:
        InputError: its folder is not there.
        OutsideError: the disk refuses.
    """
    page, target = render(document), Path(file)
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent}", remedy="name a file in one that is there")
    try:
        write_whole(target, page.encode("utf-8", "replace").decode())
    except OSError as error:
        raise OutsideError(f"{target} could not be written: {error.strerror}") from error
    return target


def _charts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Every chart at two widths."""
    priced = document["cost"]["amount"] is not None
    some = any(row["unpriced_runs"] < row["runs"] for row in document["remedies"])
    made: dict[str, Any] = {"unit": "dollars" if some else "tokens"}
    for size, width in (("wide", WIDE), ("narrow", NARROW)):
        made[size] = {
            "causes": Markup(bars(_cells(document["causes"], priced), width, "What was paid for", waterfall=True)),
            "components": Markup(
                bars(_cells(document["components"], priced), width, "Cost by component", waterfall=True)
            ),
            "remedies": Markup(bars(_remedies(document, some), width, "Net saving of each remedy")),
            "growth": Markup(
                curve([(row["step"], row["prompt_tokens"], row["runs"]) for row in _growth(document)], width)
            ),
        }
    return made


def _cells(cells: Mapping[str, Any], priced: bool) -> list[Bar]:
    found = []
    for name, cell in cells.items():
        tokens = _tokens(cell["tokens"])
        amount = float(cell["cost"]["amount"] or cell["cost"].get("known") or 0)
        if tokens or amount:
            paid, sent = _cost(cell["cost"]), f"{figures.count(tokens)} tokens"
            found.append(Bar(name, amount if priced else tokens, paid if priced else sent, f"{sent}, {paid}"))
    return found


def _remedies(document: Mapping[str, Any], priced: bool) -> list[Bar]:
    """Net dollars of each remedy, as far as they are known; tokens where no run has a price."""
    if priced:
        return [
            Bar(row["name"], row["rank_by"], _cost(row["net"]), row["title"])
            for row in document["remedies"] if row["unpriced_runs"] < row["runs"]
        ]  # fmt: skip
    saved = [(row, _tokens(row["saves"]["tokens"])) for row in document["remedies"]]
    return [
        Bar(row["name"], tokens, f"{figures.count(tokens)} tokens", row["title"])
        for row, tokens in sorted(saved, key=lambda one: -one[1]) if tokens
    ]  # fmt: skip


def _tokens(kinds: Mapping[str, Any]) -> int:
    """Tokens sent and received."""
    return sum(int(kinds[kind]) for kind in ("input", "cached_input", "cache_write", "output"))


def _growth(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The curve as far as a twentieth of the runs got, at least three of them: behind that it is noise."""
    rows: list[Mapping[str, Any]] = document["growth"]
    least = max(3, rows[0]["runs"] / 20) if rows else 3
    kept = [row for row in rows if row["runs"] >= least]
    return kept if len(kept) > 1 else rows


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("scrimp.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    filters: dict[str, Any] = {
        "dollars": lambda value: money(None if value is None else float(value)),
        "cost": _cost,
        "percent": figures.percent,
        "count": figures.count,
        "counted": lambda value, noun: f"{figures.count(value)} {noun}{'' if value == 1 else 's'}",
        "seconds": figures.seconds,
        "span": _span,
    }
    environment.filters.update(filters)
    return environment


def _cost(found: Mapping[str, Any] | None) -> str:
    """Money as a document has it."""
    if found is None:
        return figures.MISSING
    if found["amount"] is None:
        known = float(found.get("known") or 0)
        return f"unknown, at least {money(known)}" if known else "unknown"
    return money(float(found["amount"]))


def _span(interval: Any, of: str = "dollars") -> str:
    """`$1.20–1.40`, or a dash where there is none."""
    if not interval:
        return figures.MISSING
    written = figures.percent if of == "percent" else lambda value: money(float(value))
    return f"{written(interval[0])} to {written(interval[1])}"
