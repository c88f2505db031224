"""Success at a budget as SVG: a step for each System with its band, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from scrimp.report.charts import Axis, shorten, svg
from scrimp.report.figures import count, money, significant
from scrimp.report.language import Words

HEIGHT = 300
MOST = 6
"""Systems drawn; the others would not be told apart."""


def effectiveness(found: Mapping[str, Any], words: Words, width: int) -> str:
    """The curves of one unit.

    Args:
        found: of a document's `curves`: unit, bounds and, by System, points and area.
    """
    left, right, top, bottom = 46.0, width - 12.0, 10.0, HEIGHT - 46.0
    low, high = found["bounds"]
    axis = Axis(low, high, left, right, log=True)

    def y(share: float) -> float:
        return bottom - share * (bottom - top)

    parts = [*_grid(axis, found["unit"], (left, top, right, bottom), words, width)]
    drawn = found["systems"][:MOST]
    for place, row in enumerate(drawn):
        parts.append(_band(row["points"], axis, y, place))
    for place, row in enumerate(drawn):
        parts.append(_line(row, axis, y, place))
    desc = "; ".join(f"{row['name']}: {words('area')} {_area(row)}" for row in drawn)
    return svg(width, HEIGHT, f"{words('Success at a budget')}, {words(_UNIT[found['unit']])}", desc, parts)


_UNIT = {"usd": "in dollars", "tokens": "in tokens", "seconds": "in seconds"}


def unit_words(unit: str) -> str:
    """How a curve's unit is called in English."""
    return _UNIT[unit]


def legend(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and area of each System that is drawn."""
    return [(str(row["name"]), _area(row)) for row in found["systems"][:MOST]]


def _area(row: Mapping[str, Any]) -> str:
    found = row["area"]
    if not found.get("interval"):
        return f"{found['mean']:.3f}"
    return f"{found['mean']:.3f} ({found['interval'][0]:.3f}–{found['interval'][1]:.3f})"


def _line(row: Mapping[str, Any], axis: Axis, y: Any, place: int) -> str:
    points = row["points"]
    path = f"M{axis.place(points[0]['budget']):.1f} {y(points[0]['effectiveness']):.1f}"
    for before, after in pairwise(points):
        path += f"H{axis.place(after['budget']):.1f}"
        if after["effectiveness"] != before["effectiveness"]:
            path += f"V{y(after['effectiveness']):.1f}"
    return f'<path class="l{place + 1}" d="{path}"><title>{escape(shorten(str(row["name"]), 60))}</title></path>'


def _band(points: Sequence[Mapping[str, float]], axis: Axis, y: Any, place: int) -> str:
    upper = [f"{axis.place(p['budget']):.1f} {y(p['high']):.1f}" for p in points]
    lower = [f"{axis.place(p['budget']):.1f} {y(p['low']):.1f}" for p in reversed(points)]
    return f'<path class="b{place + 1}" d="M{"L".join([*upper, *lower])}Z"/>'


def _grid(axis: Axis, unit: str, box: tuple[float, float, float, float], words: Words, width: int) -> list[str]:
    left, top, right, bottom = box
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = bottom - share * (bottom - top)
        parts.append(f'<path class="grid" d="M{left:.1f} {at:.1f}H{right:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{left - 6:.1f}" y="{at + 4:.1f}" text-anchor="end">{100 * share:.0f} %</text>'
        )
    for value in axis.ticks(6 if width > 450 else 4):
        at = axis.place(value)
        anchor = "end" if at > right - 24 else "start" if at < left + 12 else "middle"
        parts.append(f'<path class="grid" d="M{at:.1f} {top:.1f}V{bottom:.1f}"/>')
        told = money(value) if unit == "usd" else count(value) if unit == "tokens" else f"{significant(value, 2)} s"
        told = told.rstrip("0").rstrip(".") if unit == "usd" and "." in told else told
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{bottom + 17:.1f}" text-anchor="{anchor}">{escape(told)}</text>'
        )
    name = f"{words('budget of one task')}, {words('logarithmic')}"
    middle = (left + right) / 2
    parts.append(
        f'<text class="name" x="{middle:.1f}" y="{bottom + 38:.1f}" text-anchor="middle">{escape(name)}</text>'
    )
    return parts
