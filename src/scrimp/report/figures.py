"""Figures as people read them: the same rounding in the charts and in the tables."""

from __future__ import annotations

from scrimp.report.data import Amount, Value

MISSING = "–"


def money(value: float | None, currency: str = "USD") -> str:
    """Three significant figures, without exponent: `$0.00123`, `$1,230`."""
    if value is None:
        return MISSING
    sign = "$" if currency == "USD" else f"{currency} "
    return f"{'−' if value < 0 else ''}{sign}{significant(abs(value))}"


def significant(value: float, figures: int = 3) -> str:
    """A number with that many significant figures, thousands apart, never in powers of ten."""
    if value == 0:
        return "0"
    exponent = int(f"{abs(value):.{figures - 1}e}".partition("e")[2])
    return f"{value:,.{max(0, figures - 1 - exponent)}f}"


def exact(amount: Amount) -> str:
    """An amount to its last digit, or what is known of it."""
    sign = "$" if amount.currency == "USD" else f"{amount.currency} "
    if amount.exact is not None:
        return f"{sign}{amount.exact.normalize():,f}"
    return f"unknown (at least {sign}{amount.known.normalize():,f})" if amount.known else "unknown"


def percent(value: float | None) -> str:
    """A share as percent, one decimal."""
    if value is None:
        return MISSING
    return f"{100 * value:.1f} %"


def count(value: float) -> str:
    """Tokens or calls: whole from ten on, one decimal below."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def seconds(value: float | None) -> str:
    """Seconds with three significant figures."""
    return MISSING if value is None else f"{significant(value)} s"


def interval_percent(value: Value) -> str:
    """`35.0–46.0 %`, or why there is none."""
    if value.low is None or value.high is None:
        return value.reason
    return f"{percent(value.low).removesuffix(' %')}–{percent(value.high)}"


def interval_money(value: Value) -> str:
    """`0.00100–0.00200`, or why there is none."""
    if value.low is None or value.high is None:
        return value.reason
    return f"{significant(value.low)}–{significant(value.high)}"
