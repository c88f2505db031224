"""What is left of a budget, in words a model can plan by and in rules that need no model (arXiv 2511.17006, section 3).

The limits are those of the Context and are enforced there. A tracker reads them: what each one bore when it began, what
was used since, and which of four bands the scarcest of them has come to. The thresholds are unverified (70, 30, 10 %).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from scrimp.core.budget import Amount
from scrimp.core.context import Context
from scrimp.core.messages import ToolCall
from scrimp.core.money import plain
from scrimp.core.tool import Tool

PER_TOOL = "tool_calls."
NAMES = {"tool_calls": "tool calls", "model_calls": "replies", "steps": "turns", "tokens": "tokens", "usd": "dollars"}
"""What is told of a budget, by key. Seconds are not: a replay takes none, and would plan otherwise."""


@dataclass(frozen=True)
class Band:
    """How a budget stands, and how to act then.

    Attributes:
        least: share from 0 to 1 of the scarcest limit that must be left.
        calls: most tool calls of one turn where the rules are kept for the model; None for any number.
    """

    name: str
    least: float
    advice: str
    calls: int | None = None


BANDS = (
    Band("high", 0.7, "look broadly, with several different queries"),
    Band("medium", 0.3, "follow the most promising leads only", 2),
    Band("low", 0.1, "only check the best candidate", 1),
    Band("critical", 0.0, "call nothing more and answer", 0),
)
POLICY = "Act by the share of the budget that is left: " + "; ".join(
    f"{band.name} (at least {band.least:.0%}): {band.advice}" for band in BANDS
)  # fmt: skip


class Tracker:
    """Counts from the moment it is made.

    Args:
        ctx: whose budget it reads.
        enforce: keep the bands' rules for a model that does not read them.
    """

    def __init__(self, ctx: Context, enforce: bool = False) -> None:
        self._ctx, self.enforce = ctx, enforce
        self.caps = self.left()

    def left(self) -> dict[str, Amount]:
        """What is left, by limited key, of what a model is told; in one order, however a budget was written."""
        known = self._ctx.remaining()
        return {key: max(known[key], 0) for key in sorted(known) if key in NAMES or key.startswith(PER_TOOL)}

    @property
    def share(self) -> float:
        """Share left of the scarcest limit, from 0 to 1; 1 where nothing is limited."""
        left = self.left()
        return min((float(left[key] / cap) if cap else 0.0 for key, cap in self.caps.items()), default=1.0)

    @property
    def band(self) -> Band:
        """The band that the scarcest limit has come to."""
        return next(band for band in BANDS if self.share >= band.least)

    @property
    def over(self) -> bool:
        """Whether no tool may be called any more."""
        return self.left().get("tool_calls", 1) <= 0 or (self.enforce and self.band.calls == 0)

    def told(self) -> str:
        """Used and left of each limit, and the band, in one line; empty where nothing is limited."""
        if not self.caps:
            return ""
        left = self.left()
        each = [f"{_name(key)} {_amount(cap - left[key])} used, {_amount(left[key])} left"
                for key, cap in self.caps.items()]  # fmt: skip
        return f"Budget: {'; '.join(each)}. Band: {self.band.name}."

    def refusals(self, calls: Sequence[ToolCall], tools: Sequence[Tool]) -> list[str]:
        """For each call of a turn what is told instead of making it; empty where it may be made."""
        left = self.left()
        priced = {tool.name: tool.price or Decimal(0) for tool in tools}
        free = self.band.calls if self.enforce else None
        said = []
        for call in calls:
            needs: Mapping[str, Amount] = {
                "tool_calls": 1, PER_TOOL + call.name: 1, "usd": priced.get(call.name, Decimal(0)),
            }  # fmt: skip
            short = next((key for key, needed in needs.items() if key in left and left[key] < needed), None)
            if short is not None:
                said.append(f"error: not called, the budget of {_name(short)} is exhausted")
            elif free is not None and said.count("") >= free:
                said.append(f"error: not called, in band {self.band.name} a turn has {free} calls at most")
            else:
                said.append("")
                left.update({key: left[key] - needed for key, needed in needs.items() if key in left})
        return said


def _name(key: str) -> str:
    return NAMES.get(key) or f"calls of {key.removeprefix(PER_TOOL)}"


def _amount(value: Amount) -> str:
    return str(value) if isinstance(value, int) else plain(Decimal(f"{value:.3g}"))
