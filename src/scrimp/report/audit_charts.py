"""Charts of an audit as SVG text: bars of where money went, and how prompts grow step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from scrimp.report.figures import count, money

ROW, GAP, FONT = 26, 6, 13


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, its length (any unit), and what is written beside it; a negative one goes to the left."""

    name: str
    value: float
    label: str
    hint: str = ""


def bars(rows: Sequence[Bar], width: int, title: str, *, waterfall: bool = False) -> str:
    """Horizontal bars, one below the other.

    Args:
        waterfall: each bar begins where the one before ended, so that the last ends at the sum.
    """
    if not rows:
        return ""
    named = 150 if width > 500 else 108
    plot = width - named - 120
    low = min(0.0, *(row.value for row in rows))
    high = max(0.0, sum(max(0.0, row.value) for row in rows) if waterfall else max(row.value for row in rows))
    scale = plot / ((high - low) or 1.0)
    parts, at, total = [], 0.0, named - low * scale
    for row in rows:
        length = abs(row.value) * scale
        begin = total if row.value >= 0 else total - length
        parts.append(
            f'<text class="label plain" x="{named - 8}" y="{at + 18:.0f}" text-anchor="end">{escape(row.name)}</text>'
            f'<rect class="{"s1" if row.value >= 0 else "s2"}" x="{begin:.1f}" y="{at + 3:.0f}" '
            f'width="{max(length, 1):.1f}" height="{ROW - GAP}"><title>{escape(row.hint or row.label)}</title></rect>'
            f'<text class="tick" x="{max(begin + length, named) + 6:.1f}" y="{at + 18:.0f}">{escape(row.label)}</text>'
        )
        if waterfall:
            total += length
        at += ROW
    said = "; ".join(f"{row.name}: {row.label}" for row in rows)
    return _svg(width, int(at) + 4, title, said, parts)


def curve(points: Sequence[tuple[int, float, int]], width: int, unit: str = "tokens") -> str:
    """Prompt tokens (or dollars) by step: points are step, mean, and how many runs got so far."""
    if len(points) < 2:
        return ""
    height, left, right, top, bottom = 240, 62, width - 16, 12, 200
    most_steps, most = points[-1][0], max(value for _, value, _ in points) or 1.0

    def x(step: float) -> float:
        return left + (step - 1) / max(1, most_steps - 1) * (right - left)

    def y(value: float) -> float:
        return bottom - value / most * (bottom - top)

    parts = []
    for share in (0.0, 0.5, 1.0):
        written = count(most * share) if unit == "tokens" else money(most * share)
        parts.append(f'<path class="grid" d="M{left} {y(most * share):.1f}H{right}"/>')
        parts.append(
            f'<text class="tick" x="{left - 6}" y="{y(most * share) + 4:.1f}" text-anchor="end">{written}</text>'
        )  # fmt: skip
    for step in sorted({1, most_steps // 2 or 1, most_steps}):
        parts.append(f'<text class="tick" x="{x(step):.1f}" y="{bottom + 18}" text-anchor="middle">{step}</text>')
    parts.append(f'<text class="name" x="{(left + right) / 2:.0f}" y="{bottom + 36}" text-anchor="middle">step</text>')
    line = "".join(f"{'L' if at else 'M'}{x(step):.1f} {y(value):.1f}" for at, (step, value, _) in enumerate(points))
    parts.append(f'<path class="curve" d="{line}"/>')
    for step, value, runs in points:
        written = count(value) if unit == "tokens" else money(value)
        parts.append(
            f'<circle class="on" cx="{x(step):.1f}" cy="{y(value):.1f}" r="3"><title>step {step}: {written} '
            f"{unit if unit == 'tokens' else ''} over {runs:,} runs</title></circle>"
        )
    return _svg(width, height, f"Prompt {unit} by step", f"from {count(points[0][1])} to {count(points[-1][1])}", parts)


def _svg(width: int, height: int, title: str, said: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(said)}</desc>{''.join(parts)}</svg>"
    )
