"""The report page: one HTML file that opens from disk and asks for nothing from any network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scrimp.core.errors import InputError, OutsideError
from scrimp.report import charts, curves, drill, figures
from scrimp.report import chinese as sentences
from scrimp.report.data import Report, clean, read, said
from scrimp.report.language import LANGUAGES, Words

WIDE, NARROW = 720, 340
NAME = "report.html"


def render(document: Mapping[str, Any], folder: Path | None = None) -> str:
    """The page for an experiment's result document (its shape: `report.data`), in English and Chinese.

    Args:
        folder: the experiment's; its trials and their steps are shown where it holds them.

    Every name and text of the document is escaped; the page holds no script.

    Raises:
        InputError: the document is not of that shape.
    """
    report = read(document)
    bodies = {language: _body(document, report, Words(language)) for language in LANGUAGES}
    trials = drill.read(folder, [row.name for row in report.rows]) if folder is not None else []
    page: str = (
        _environment()
        .get_template("report.html")
        .render(report=report, english=bodies["en"], chinese=bodies["zh"], trials=trials, zh=Words("zh"), folder=folder)
    )
    return page


def _body(document: Mapping[str, Any], report: Report, words: Words) -> Markup:
    """Everything but the single trials, in one language."""
    chinese = words.language == "zh"
    sayings = [clean(line) for line in (sentences.sayings(document) if chinese else said(document))]
    page = (
        _environment()
        .get_template("body.html")
        .render(
            report=report, charts=_charts(document, report, words), undrawn=_undrawn(report), t=words, sayings=sayings,
            notes=[words.told(note) for note in report.notes], extra=_extra(document),
            currency=report.rows[0].amount.currency,
            has_probability=any(row.probability is not None for row in report.rows),
        )
    )  # fmt: skip
    return Markup(page)


def _extra(document: Mapping[str, Any]) -> dict[str, Any]:
    """What only the tables of newer documents hold."""
    systems = document["systems"]
    rows: dict[str, tuple[str, str, list[float | None]]] = {}
    for place, system in enumerate(systems):
        for name, found in (system.get("metrics") or {}).items():
            row = rows.setdefault(name, (found.get("kind", ""), found["unit"], [None] * len(systems)))
            row[2][place] = found["value"]
    environment = document.get("environment") or {}
    return {
        "names": [clean(system["name"]) for system in systems],
        "metrics": [(name, *row) for name, row in rows.items()],
        "levels": document.get("levels") or [],
        "prices": [(clean(system["name"]), system["prices_robustness"]) for system in systems
                   if system.get("prices_robustness")],
        "environment": ", ".join(f"{key} {value}" for key, value in environment.items()),
        "journal": (document.get("journal") or {}).get("hash", ""),
    }  # fmt: skip


def write(document: Mapping[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Writes `report.html` into `folder` (made if missing), whole or not at all; returns its path.

    Raises:
        InputError: the document is not of the stated shape, or `folder` is not a folder.
        OutsideError: the disk refuses.
    """
    where = Path(folder)
    page = render(document, where if where.is_dir() else None)
    temporary = ""
    try:
        where.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=where, prefix=".report-", suffix=".html")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        os.replace(temporary, where / NAME)
    except (FileExistsError, NotADirectoryError) as wrong:
        raise InputError(f"{where} is not a folder", remedy="name another folder with --out") from wrong
    except OSError as failed:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise OutsideError(f"the report could not be written to {where}: {failed}") from failed
    return where / NAME


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("scrimp.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("money", "exact", "percent", "count", "seconds", "interval_percent", "interval_money", "significant"):
        environment.filters[name] = getattr(figures, name)
    environment.filters["colour"] = charts.colour
    environment.filters["metric"], environment.filters["ranges"] = _metric, _ranges
    return environment


def _charts(document: Mapping[str, Any], report: Report, words: Words) -> dict[str, Any]:
    """The scatter at two widths, curves, and the bars that have something to show: (heading, legend, svg)."""
    bars = []
    units: tuple[charts.Unit, ...] = ("tokens", "cost")
    partitions: tuple[charts.Partition, ...] = ("components", "terms")
    for unit in units:
        for partition in partitions:
            drawn = charts.bars(report, partition, unit, NARROW + 60, words)
            if drawn:
                cells = getattr(report.rows[0].ledger, partition)
                bars.append((charts.heading(partition, unit, words), [c.name for c in cells], Markup(drawn)))
    return {
        "wide": Markup(charts.scatter(report, WIDE, words)),
        "narrow": Markup(charts.scatter(report, NARROW, words)),
        "bars": bars,
        "curves": [
            (curves.unit_words(unit), curves.legend(found), Markup(curves.effectiveness(found, words, NARROW + 60)))
            for unit, found in (document.get("curves") or {}).items()
        ],
    }


def _metric(value: float | None) -> str:
    if value is None:
        return figures.MISSING
    return figures.count(value) if value >= 1000 else figures.significant(value)


def _ranges(found: Sequence[Sequence[float]]) -> str:
    return ", ".join(f"{low:g}–{high:g}" for low, high in found)


def _undrawn(report: Report) -> list[str]:
    return [r.name for r in report.rows if r.cost.mean is None or r.success.mean is None]
