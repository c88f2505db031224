"""Charts as SVG text: cost against success, and stacked bars of where it went.

Each chart is drawn for a stated width in CSS pixels, so that letters stay as large as on the page;
the page shows the wide or the narrow one. Colours are CSS variables of the page (light and dark);
shape, pattern and order repeat what colour says.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Literal

from scrimp.evaluate.pareto import Point, frontier
from scrimp.report.data import Cell, Report, Row, Value
from scrimp.report.figures import count, money, percent
from scrimp.report.language import Words

ENGLISH = Words("en")
FONT = 13.0
RADIUS = 6.0
Box = tuple[float, float, float, float]
Unit = Literal["cost", "tokens"]
Partition = Literal["components", "terms"]


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps costs to x: linear from zero, or logarithmic where they differ by more than a factor of eight."""

    low: float
    high: float
    left: float
    right: float
    log: bool

    def place(self, value: float) -> float:
        """The x of a value, held inside the plot."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.left + min(1.0, max(0.0, share)) * (self.right - self.left)

    def ticks(self, most: int) -> list[float]:
        """At most about `most` round values."""
        if not self.log:
            step = _nice(self.high / most)
            return [step * i for i in range(int(self.high / step + 1e-9) + 1)]
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for marks in ((1, 2, 5), (1, 3), (1,)):
            found = [m * 10.0**d for d in decades for m in marks if self.low <= m * 10.0**d <= self.high * 1.0001]
            if len(found) <= most:
                return found
        return found[:: math.ceil(len(found) / most)]


def scatter(report: Report, width: int = 720, words: Words = ENGLISH) -> str:
    """Cost per run against success: means, intervals both ways, and the frontier of the means.

    Systems whose cost or success is unknown are not drawn; the page names them.
    """
    height = 420 if width > 500 else 360
    drawn = [r for r in report.rows if r.cost.mean is not None and r.success.mean is not None]
    if not drawn:
        return ""
    top, bottom, left, right = 16.0, height - 52.0, 58.0, width - 18.0
    axis = _cost_axis([r.cost for r in drawn], left, right)

    lows = [v for r in drawn for v in (r.success.mean, r.success.low) if v is not None]
    base = max(0.0, min(0.75, math.floor(min(lows) * 4) / 4))

    def y(value: float) -> float:
        return bottom - (min(1.0, max(base, value)) - base) / (1 - base) * (bottom - top)

    parts = [*_grid(axis, (left, top, right, bottom), _currency(report), base, words)]
    best = frontier(Point(str(r.number), r.cost.mean, r.success.mean) for r in drawn)
    steps = [(axis.place(p.cost or 0.0), y(p.effectiveness or 0.0)) for p in best]
    path = "M{:.1f} {:.1f}".format(*steps[0]) + "".join(f"H{px:.1f}V{py:.1f}" for px, py in steps[1:])
    parts.append(f'<path class="frontier" d="{path}H{right:.1f}"/>')
    places = [(axis.place(r.cost.mean or 0.0), y(r.success.mean or 0.0)) for r in drawn]
    for r, (px, py) in zip(drawn, places, strict=True):
        parts.append(_cross(r, px, py, axis, y))
    on = {p.name for p in best}
    for r, (px, py) in zip(drawn, places, strict=True):
        parts.append(_marker(r, px, py, filled=str(r.number) in on))
    lines = _lines([*steps, (right, steps[-1][1])])
    for r, (px, py) in zip(drawn, places, strict=True):
        lines += _bars_of(r, px, py, axis, y)
    few = len(drawn) <= (8 if width > 500 else 4)
    names = [shorten(r.name, 22) if few else f"#{r.number}" for r in drawn]
    parts += _labels(names, places, (left, top, right, bottom), lines)
    desc = "; ".join(f"{r.name}: {money(r.cost.mean, r.amount.currency)}, {percent(r.success.mean)}" for r in drawn)
    return svg(width, height, words("Cost against success"), desc, parts)


def _cost_axis(costs: Sequence[Value], left: float, right: float) -> Axis:
    ends = [v for c in costs for v in (c.mean, c.low, c.high) if v is not None]
    low, high = min(ends), max(ends)
    if low > 0 and high / low > 8:
        return Axis(low / 1.25, high * 1.25, left, right, log=True)
    return Axis(0.0, high * 1.1 or 1.0, left, right, log=False)


def _grid(axis: Axis, box: Box, currency: str, base: float, words: Words) -> list[str]:
    left, top, right, bottom = box
    parts = []
    most = 7 if right - left > 450 else 4
    for share in _shares(base):
        at = bottom - (share - base) / (1 - base) * (bottom - top)
        parts.append(f'<path class="grid" d="M{left:.1f} {at:.1f}H{right:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{left - 7:.1f}" y="{at + 4:.1f}" text-anchor="end">{100 * share:.0f} %</text>'
        )
    for value in axis.ticks(most):
        at = axis.place(value)
        anchor = "end" if at > right - 20 else "middle"
        parts.append(f'<path class="grid" d="M{at:.1f} {top:.1f}V{bottom:.1f}"/>')
        label = money(float(f"{value:.6g}"), currency)
        label = label.rstrip("0").rstrip(".") if "." in label else label
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{bottom + 18:.1f}" text-anchor="{anchor}">{escape(label)}</text>'
        )
    scale = f"{words('cost per task')}{', ' + words('logarithmic') if axis.log else ''}"
    middle = (left + right) / 2
    parts.append(f'<text class="name" x="{middle:.1f}" y="{bottom + 40:.1f}" text-anchor="middle">{scale}</text>')
    parts.append(
        f'<text class="name" transform="translate(13 {(top + bottom) / 2:.1f}) rotate(-90)" '
        f'text-anchor="middle">{words("success")}</text>'
    )
    return parts


def _shares(base: float) -> list[float]:
    steps = 5 if base == 0.75 or base == 0.5 else 3 if base == 0.25 else 4
    return [base + (1 - base) * i / steps for i in range(steps + 1)]


def _cross(row: Row, px: float, py: float, axis: Axis, y: Callable[[float], float]) -> str:
    out = ""
    if row.success.low is not None and row.success.high is not None:
        low, high = y(row.success.low), y(row.success.high)
        out += f"M{px:.1f} {low:.1f}V{high:.1f}M{px - 4:.1f} {low:.1f}h8M{px - 4:.1f} {high:.1f}h8"
    if row.cost.low is not None and row.cost.high is not None:
        low, high = axis.place(row.cost.low), axis.place(row.cost.high)
        out += f"M{low:.1f} {py:.1f}H{high:.1f}M{low:.1f} {py - 4:.1f}v8M{high:.1f} {py - 4:.1f}v8"
    return f'<path class="error" d="{out}"/>' if out else ""


def _marker(row: Row, px: float, py: float, *, filled: bool) -> str:
    """A filled disc on the frontier, a hollow square off it; hovering tells the figures."""
    told = f"{row.name}: {money(row.cost.mean, row.amount.currency)} per task, {percent(row.success.mean)} success"
    title = f"<title>{escape(told)}</title>"
    if filled:
        return f'<circle class="on" cx="{px:.1f}" cy="{py:.1f}" r="{RADIUS}">{title}</circle>'
    half = RADIUS - 1
    at = f'x="{px - half:.1f}" y="{py - half:.1f}" width="{2 * half}" height="{2 * half}"'
    return f'<rect class="off" {at}>{title}</rect>'


def _lines(steps: Sequence[tuple[float, float]]) -> list[Box]:
    """The boxes of the frontier's level and upright strokes."""
    boxes = []
    for (x0, y0), (x1, y1) in pairwise(steps):
        boxes += [(x0, y0 - 2, x1, y0 + 2), (x1 - 2, min(y0, y1), x1 + 2, max(y0, y1))]
    return boxes


def _bars_of(row: Row, px: float, py: float, axis: Axis, y: Callable[[float], float]) -> list[Box]:
    boxes = []
    if row.success.low is not None and row.success.high is not None:
        boxes.append((px - 4, y(row.success.high), px + 4, y(row.success.low)))
    if row.cost.low is not None and row.cost.high is not None:
        boxes.append((axis.place(row.cost.low), py - 4, axis.place(row.cost.high), py + 4))
    return boxes


def _labels(names: Sequence[str], places: Sequence[tuple[float, float]], plot: Box, lines: Sequence[Box]) -> list[str]:
    """Names beside the markers: never over each other or a marker, over a line only where there is no other room."""
    taken: list[Box] = [(x - RADIUS - 2, y - RADIUS - 2, x + RADIUS + 2, y + RADIUS + 2) for x, y in places]
    parts = []
    for text, (x, y) in sorted(zip(names, places, strict=True), key=lambda pair: (pair[1][1], pair[1][0])):
        box = _free(text, x, y, [*taken, *lines], plot) or _free(text, x, y, taken, plot)
        if box is None:
            continue
        taken.append(box)
        middle = (box[1] + box[3]) / 2
        if math.hypot(max(box[0] - x, x - box[2], 0), middle - y) > 26:
            end = min(max(x, box[0]), box[2])
            edge = box[3] if box[3] < y else box[1]
            parts.append(f'<path class="leader" d="M{x:.1f} {y:.1f}L{end:.1f} {edge:.1f}"/>')
        parts.append(f'<text class="label" x="{box[0] + 3:.1f}" y="{middle + 4.5:.1f}">{escape(text)}</text>')
    return parts


def _free(text: str, x: float, y: float, taken: Sequence[Box], plot: Box) -> Box | None:
    """The nearest box for `text` around a marker that is inside the plot and touches nothing."""
    w, h = text_width(text) + 6, FONT + 4
    for far in (10, 22, 36, 52, 70):
        for dx, dy in ((1, -1), (1, 1), (-1, -1), (-1, 1), (1, 0), (-1, 0), (0, -1), (0, 1)):
            left = x + far * 0.8 if dx > 0 else x - far * 0.8 - w if dx < 0 else x - w / 2
            middle = y + dy * (far + 2)
            box = (left, middle - h / 2, left + w, middle + h / 2)
            inside = box[0] >= plot[0] and box[1] >= plot[1] and box[2] <= plot[2] and box[3] <= plot[3]
            if inside and not any(_touch(box, other) for other in taken):
                return box
    return None


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def bars(report: Report, partition: Partition, unit: Unit, width: int = 480, words: Words = ENGLISH) -> str:
    """One stacked bar per system, per run: tokens or money by component or by term.

    Empty where nothing was spent, or, in money, where a system's amount is unknown.
    """
    stacks = [(row, _stack(row, partition, unit)) for row in report.rows]
    longest = max((sum(v for _, _, v in stack) for _, stack in stacks), default=0.0)
    if longest <= 0 or (unit == "cost" and any(r.ledger.total.cost.exact is None for r in report.rows)):
        return ""
    each, top = 50.0, 4.0
    height = int(top + each * len(stacks) + 2)
    parts, told = [], []
    for i, (row, stack) in enumerate(stacks):
        total = sum(v for _, _, v in stack)
        at, x = top + i * each, 0.0
        figure = money(total, row.amount.currency) if unit == "cost" else f"{count(total)} tokens"
        room = width - text_width(figure) - 16
        parts.append(f'<text class="label" x="0" y="{at + 13:.1f}">{escape(shorten(row.name, int(room / 7.5)))}</text>')
        parts.append(f'<text class="tick" x="{width}" y="{at + 13:.1f}" text-anchor="end">{escape(figure)}</text>')
        for index, name, value in stack:
            w = width * value / longest
            parts.append(_segment(index, name, value / total if total else 0.0, (x, at + 19, w, 22.0)))
            x += w
        told.append(f"{row.name}: " + ", ".join(f"{name} {value / total:.0%}" for _, name, value in stack if value))
    return svg(width, height, heading(partition, unit, words), "; ".join(told), parts)


def heading(partition: Partition, unit: Unit, words: Words = ENGLISH) -> str:
    """What a chart of bars shows."""
    what = words("Money per run" if unit == "cost" else "Tokens per run")
    return f"{what}, {words('by component' if partition == 'components' else 'by term')}"


def _stack(row: Row, partition: Partition, unit: Unit) -> list[tuple[int, str, float]]:
    cells: tuple[Cell, ...] = row.ledger.components if partition == "components" else row.ledger.terms
    runs = max(row.runs, 1)
    values = [float(c.cost.exact or 0) if unit == "cost" else float(c.all_tokens) for c in cells]
    return [(colour(c.name, i), c.name, v / runs) for i, (c, v) in enumerate(zip(cells, values, strict=True))]


def colour(name: str, place: int) -> int:
    """The same thing has the same colour (1 to 6) in every chart of the page."""
    known = {"generation": 6, "retries": 4, "memory": 1, "planning": 2, "tools": 3, "team": 4, "answer": 5}
    return known.get(name, place % 6 + 1)


def _segment(index: int, name: str, share: float, box: Box) -> str:
    x, y, w, h = box
    if w <= 0:
        return ""
    told = f"<title>{escape(name)}: {share:.1%}</title>"
    at = f'x="{x:.2f}" y="{y:.1f}" width="{w:.2f}" height="{h}"'
    out = f'<rect class="s{index}" {at}>{told}</rect>'
    text = next((t for t in (f"{name} {share:.0%}", f"{share:.0%}") if text_width(t) + 8 < w), "")
    if index in (2, 3, 4):
        out += f'<rect {at} fill="url(#h{index})"/>'
    if text:
        out += f'<text class="in" x="{x + w / 2:.1f}" y="{y + 15.5:.1f}" text-anchor="middle">{escape(text)}</text>'
    return out


def svg(width: int, height: int, title: str, desc: str, parts: Sequence[str]) -> str:
    """A chart of a width and height in pixels, with its title and what it shows in words."""
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(f"{title}. {desc}")}"><title>{escape(title)}</title><desc>{escape(desc)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def text_width(text: str, size: float = FONT) -> float:
    """A safe estimate in pixels: East Asian letters are as wide as high."""
    return sum(size if unicodedata.east_asian_width(c) in "WF" else size * 0.64 for c in text)


def shorten(name: str, most: int) -> str:
    """At most `most` half-widths of a name; an ellipsis marks the cut."""
    widths = [2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in name]
    if sum(widths) <= most:
        return name
    kept, used = "", 1
    for c, w in zip(name, widths, strict=True):
        if used + w > most:
            break
        kept, used = kept + c, used + w
    return kept + "…"


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= step * (1 - 1e-9))


def _currency(report: Report) -> str:
    return report.rows[0].amount.currency
