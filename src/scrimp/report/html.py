"""The report page: one HTML file that opens from disk and asks for nothing from any network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scrimp.core.errors import InputError, OutsideError
from scrimp.report import charts, figures
from scrimp.report.data import Report, read

WIDE, NARROW = 720, 340
NAME = "report.html"


def render(document: Mapping[str, Any]) -> str:
    """The page for an experiment's result document (its shape: `report.data`).

    Every name and text of the document is escaped; the page holds no script.

    Raises:
        InputError: the document is not of that shape.
    """
    report = read(document)
    page: str = (
        _environment()
        .get_template("report.html")
        .render(
            report=report, charts=_charts(report), undrawn=_undrawn(report), currency=report.rows[0].amount.currency
        )
    )
    return page


def write(document: Mapping[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Writes `report.html` into `folder` (made if missing), whole or not at all; returns its path.

    Raises:
        InputError: the document is not of the stated shape, or `folder` is not a folder.
        OutsideError: the disk refuses.
    """
    page, where = render(document), Path(folder)
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
    return environment


def _charts(report: Report) -> dict[str, Any]:
    """The scatter at two widths, and the bars that have something to show: (heading, legend names, svg)."""
    bars = []
    for unit, what in (("tokens", "Tokens per run"), ("cost", "Money per run")):
        for partition, by in (("components", "component"), ("terms", "term")):
            drawn = charts.bars(report, partition, unit, NARROW + 60)  # type: ignore[arg-type]
            if drawn:
                cells = getattr(report.rows[0].ledger, partition)
                bars.append((f"{what}, by {by}", [c.name for c in cells], Markup(drawn)))
    return {
        "wide": Markup(charts.scatter(report, WIDE)),
        "narrow": Markup(charts.scatter(report, NARROW)),
        "bars": bars,
    }


def _undrawn(report: Report) -> list[str]:
    return [r.name for r in report.rows if r.cost.mean is None or r.success.mean is None]
