"""Money, tokens, seconds and shares as people read them, from the values that the JSON documents hold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

MISSING = "-"


def significant(value: float, figures: int = 3) -> str:
    """A number with that many significant figures, thousands apart, never in powers of ten."""
    if value == 0:
        return "0"
    exponent = int(f"{abs(value):.{figures - 1}e}".partition("e")[2])
    return f"{value:,.{max(0, figures - 1 - exponent)}f}"


def money(found: Mapping[str, Any] | None) -> str:
    """`$0.00123`, to three figures; `unknown` (with the part that is known) where nobody can state it."""
    if found is None:
        return MISSING
    if found["amount"] is None:
        known = Decimal(str(found.get("known") or 0))
        return f"unknown, at least {dollars(known)}" if known else "unknown"
    return dollars(Decimal(str(found["amount"])))


def dollars(amount: Decimal | float | None) -> str:
    """An amount in dollars, to three figures."""
    if amount is None:
        return MISSING
    return f"{'-' if amount < 0 else ''}${significant(abs(float(amount)))}"


def plain(amount: Any) -> str:
    """An amount of a budget key, to its last digit that is not zero."""
    from scrimp.core.money import plain as written

    return MISSING if amount is None else written(Decimal(str(amount)))


def source(found: Mapping[str, Any]) -> str:
    """How an amount is known, in words."""
    if found["state"] == "unknown":
        return "a price is unknown"
    return price_lists(found["prices"]) if found.get("prices") else "as metered"


def price_lists(label: str) -> str:
    """`priced at the reference list hosted-2026-11`, from the label that amounts carry."""
    head, names = "reference:", label.split("; ")
    reference = dict.fromkeys(one.removeprefix(head) for one in names if one.startswith(head))
    own = ("declared prices" if one == "declared" else one for one in names if not one.startswith(head))
    lists = [*(one for one in own if one not in reference), *(f"the reference list {one}" for one in reference)]
    return f"priced at {' and '.join(lists)}"


def all_tokens(found: Mapping[str, Any]) -> int:
    """Tokens sent and received."""
    return sum(int(found[key]) for key in ("input", "cached_input", "cache_write", "output"))


def count(value: float | None) -> str:
    """A whole number, thousands apart."""
    return MISSING if value is None else f"{value:,.0f}"


def tokens(found: Mapping[str, Any]) -> str:
    """`1,234 (800 cached)`."""
    cached = int(found["cached_input"])
    return count(all_tokens(found)) + (f" ({count(cached)} cached)" if cached else "")


def seconds(value: Any) -> str:
    """Seconds with three significant figures, milliseconds below one second."""
    if value is None:
        return MISSING
    number = float(value)
    if number >= 1:
        return f"{significant(number)} s"
    return "< 1 ms" if 0 < number < 0.001 else f"{number * 1000:.0f} ms"


def size(value: int | None) -> str:
    """Bytes as `98 MB`."""
    if not value:
        return MISSING
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def percent(value: float | None) -> str:
    """A share as percent, one decimal."""
    return MISSING if value is None else f"{100 * value:.1f} %"


def share(part: float) -> str:
    """A share of a whole as whole percent; what is there is never written as nothing."""
    return "< 1 %" if 0 < part < 0.005 else f"{100 * part:.0f} %"


def interval(found: Mapping[str, Any], *, of: str = "percent") -> str:
    """`61.5 % [48.0, 73.2]`: a mean and its interval; `of` is percent or dollars."""
    written = percent if of == "percent" else dollars
    mean, between = written(found.get("mean")), found.get("interval")
    if not between:
        return mean
    low, high = (written(value).removesuffix(" %").removeprefix("$") for value in between)
    return f"{mean} [{low}, {high}]"


def moment(stamp: float) -> str:
    """Seconds since the epoch as local date and time."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stamp))
