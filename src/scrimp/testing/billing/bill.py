"""The bill: what was written to whom, in exact decimals. It is kept here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from scrimp.testing.billing.cache import Split

DEFAULT_PRICES = {"fresh": "1", "cached": "0.1", "written": "1.25", "written_hour": "2", "output": "4"}
"""Dollars per million tokens."""


@dataclass
class Entry:
    """One request's lines. `output` grows while the answer is written."""

    id: str
    format: str
    model: str
    input: Split = field(default_factory=Split)
    output: int = 0
    reasoning: int = 0
    state: str = "open"

    def tokens(self) -> dict[str, int]:
        """Billed tokens by price."""
        return {
            "fresh": self.input.fresh,
            "cached": self.input.cached,
            "written": self.input.written,
            "written_hour": self.input.written_hour,
            "output": self.output,
        }


class Bill:
    """All requests since the last reset.

    Args:
        prices: dollars per million tokens, by kind, as strings.
    """

    def __init__(self, prices: dict[str, str]) -> None:
        self.prices = {kind: Decimal(price) for kind, price in {**DEFAULT_PRICES, **prices}.items()}
        self.entries: list[Entry] = []

    def open(self, format_: str, model: str) -> Entry:
        """A new request, nothing billed yet."""
        entry = Entry(f"bill-{len(self.entries) + 1}", format_, model)
        self.entries.append(entry)
        return entry

    def dollars(self, entry: Entry) -> Decimal:
        """What one request costs."""
        return sum((self.prices[kind] * number for kind, number in entry.tokens().items()), Decimal(0)).scaleb(-6)

    def to_json(self) -> dict[str, Any]:
        """Total, tokens by kind, and every request."""
        totals: dict[str, int] = dict.fromkeys(("fresh", "cached", "written", "written_hour", "output"), 0)
        for entry in self.entries:
            for kind, number in entry.tokens().items():
                totals[kind] += number
        rows = [
            {"id": entry.id, "format": entry.format, "model": entry.model, "state": entry.state, **entry.tokens(),
             "reasoning": entry.reasoning, "dollars": format(self.dollars(entry), "f")}
            for entry in self.entries
        ]  # fmt: skip
        total = sum(map(self.dollars, self.entries), Decimal(0))
        return {"dollars": format(total, "f"), "tokens": totals, "requests": rows,
                "open": sum(entry.state == "open" for entry in self.entries)}  # fmt: skip
