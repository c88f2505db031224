"""The rows of the matrix: every fault, in both formats, streamed and not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Expected = Literal["equal", "above", "stated", "in flight"]
"""What must hold.

- equal: ledger and bill are the same, kind by kind.
- above: the ledger is never below.
- stated: the provider bills more than it states at the end, which nobody can know; the ledger is what was stated.
- in flight: a server that ignores its output cap writes faster than a connection can be closed. The ledger holds what
  came, twice over; it may be below by what was still in the sockets' buffers.
"""

How = Literal["complete", "leave", "cancel", "deadline", "caches", "agent", "tight"]
"""What the client does: waits for the answer, leaves the stream after some pieces, is cancelled, meets its deadline,
calls three times with a pause (caches), runs an agent with a tool, has a budget that caps the output."""

SLOW = 0.004
WAIT = 0.06


@dataclass(frozen=True)
class Case:
    """One row.

    Attributes:
        fault: what goes wrong with the first call; the call after it is always sound.
        answer: what is answered to the first call; where empty, 40 tokens.
        timeout: seconds of silence after which the client gives up.
        size: bytes per token; 1 is the worst case.
        worst: it holds in that worst case, too. A count too low for the text is seen only where tokens are longer.
    """

    name: str
    fault: Mapping[str, Any] = field(default_factory=dict)
    expected: Expected = "equal"
    how: How = "complete"
    answer: Any = None
    timeout: float = 20.0
    attempts: int = 1
    format: str = "openai"
    whole: bool = False
    size: int = 4
    model: str = "words-40"
    worst: bool = True


def _cut(name: str, manner: str) -> Case:
    return Case(name, {"kind": "cut", "after": 9, "manner": manner}, "above")


_CALL = {"text": "let me see", "tool": {"name": "look_up", "arguments": {"query": "天气 in Beijing"}}}
_STATUS = {"kind": "status"}

BOTH = [
    Case("nothing"),
    Case("nothing, Chinese", model="zh-40"),
    Case("reasoning", answer={"reasoning": 20, "text": "four"}),
    Case("a tool call", answer=_CALL),
    Case("caches: write, read, expire", how="caches"),
    Case("agent with a tool, second call cut", {"kind": "cut", "after": 3}, "above", "agent"),
    Case("budget caps the output", how="tight"),
    Case("slow first byte", {"kind": "slow_first", "seconds": 0.05}),
    Case("slow first byte, client gives up", {"kind": "silent", "seconds": 5.0}, "above", timeout=WAIT),
    Case("answered unseen, client gives up", {"kind": "working"}, "above", timeout=WAIT),
    _cut("stream cut, orderly", "close"),
    _cut("stream cut by a reset", "reset"),
    Case("dropped before the response, billed", {"kind": "drop", "billed": True}, "above"),
    Case("dropped before the response, not billed", {"kind": "drop"}, "above"),
    Case("dropped by a reset, billed", {"kind": "drop", "billed": True, "manner": "reset"}, "above"),
    Case("malformed event", {"kind": "malformed", "after": 9}, "above"),
    Case("error inside the answer, 529", {"kind": "error_event", "after": 9, "status": 529}, "above"),
    Case("error before the first token, 502", {"kind": "error_event", "after": 0, "status": 502}, "above"),
    Case("usage stated too low", {"kind": "usage_less"}, "stated"),
    Case("usage stated too high", {"kind": "usage_more"}, "above"),
    Case("usage missing", {"kind": "usage_missing"}, "above"),
    Case("usage null", {"kind": "usage_null"}, "above"),
    Case("usage all zeros", {"kind": "usage_zero"}, "above"),
    Case("usage of one token for forty", {"kind": "usage_one"}, "above", worst=False),
    Case("429, Retry-After in seconds", {**_STATUS, "status": 429, "retry": "1"}),
    Case("429, Retry-After as a date", {**_STATUS, "status": 429, "retry": "date", "seconds": 2}),
    Case("429 and tried again", {**_STATUS, "status": 429, "retry": "0"}, attempts=3),
    Case("500", {**_STATUS, "status": 500}),
    Case("529", {**_STATUS, "status": 529}),
    Case("529 and tried again", {**_STATUS, "status": 529}, attempts=3),
    Case("cut and tried again", {"kind": "drop", "billed": True}, "above", attempts=3),
    Case("504 from a gateway, billed behind it", {"kind": "gateway", "status": 504}, "above"),
    Case("502 from a gateway, billed behind it", {"kind": "gateway", "status": 502}, "above"),
    Case("page in HTML, status 200", {"kind": "html"}, "above"),
    Case("page in HTML, status 200, billed", {"kind": "html", "billed": True}, "above"),
    Case("gzip that is none", {"kind": "gzip"}, "above"),
    Case("task cancelled", {"kind": "slow_tokens", "seconds": SLOW}, "above", "cancel"),
    Case("task cancelled, server goes on", {"kind": "slow_tokens", "seconds": SLOW, "stays": True}, "above", "cancel"),
    Case("deadline of the run", {"kind": "slow_tokens", "seconds": SLOW}, "above", "deadline"),
]
"""Streamed and not."""

STREAMED = [
    Case("slow tokens", {"kind": "slow_tokens", "seconds": 0.002}),
    Case("silence between tokens, client gives up", {"kind": "slow_tokens", "seconds": 1.0}, "above", timeout=WAIT),
    _cut("stream ends as if complete", "end"),
    Case("cut in its reasoning", {"kind": "cut", "after": 9}, "above", answer={"reasoning": 20, "text": "four"}),
    Case("cut in a tool call", {"kind": "cut", "after": 6}, "above", answer=_CALL),
    Case("dropped before the final usage", {"kind": "drop_usage"}, "above"),
    Case("reset before the final usage", {"kind": "drop_usage", "manner": "reset"}, "above"),
    Case("complete but for the final usage", {"kind": "drop_usage", "manner": "end"}, "above"),
    Case("usage before the end", {"kind": "usage_early"}, "above"),
    Case("usage in the middle, none after it", {"kind": "usage_stale", "after": 9}, "above"),
    Case("usage with every event", {"kind": "usage_running"}, "above"),
    Case("last events twice", {"kind": "duplicate"}),
    Case("characters split over chunks", {"kind": "split"}, model="zh-12"),
    Case("comments between events, CR LF", {"kind": "keep_alive"}),
    Case("client leaves the stream", {"kind": "slow_tokens", "seconds": SLOW}, "above", "leave"),
    Case("client leaves, buffers are full", {}, "above", "leave"),
    Case("client leaves, server goes on", {"kind": "slow_tokens", "seconds": SLOW, "stays": True}, "above", "leave"),
    Case("endless output", {"kind": "endless", "seconds": 0.0005}, "above"),
    Case("endless reasoning", {"kind": "endless_reasoning", "seconds": 0.0005}, "above"),
    Case("endless tool call", {"kind": "endless_call", "seconds": 0.0005}, "above"),
    Case("three times the output cap, then usage", {"kind": "long", "after": 3}),
    Case("endless output, never pausing", {"kind": "endless"}, "in flight"),
    Case("endless output, client leaves", {"kind": "endless", "seconds": 0.001}, "above", "leave"),
]
"""Streamed only."""

WHOLE = [
    Case("four times the output cap, with usage", {"kind": "long", "after": 4}),
]
"""Not streamed only."""

SHORT = (
    "nothing", "caches: write, read, expire", "agent with a tool, second call cut", "stream cut, orderly",
    "dropped before the final usage", "usage in the middle, none after it", "usage missing", "429 and tried again",
    "client leaves the stream", "endless output",
)  # fmt: skip
"""What every test run looks at."""


def cases(*, short: bool = False) -> Iterator[Case]:
    """The rows; the short matrix has ten faults, streamed, in both formats."""
    for format_ in ("openai", "anthropic"):
        for case in (*BOTH, *STREAMED):
            if not short or case.name in SHORT:
                yield replace(case, format=format_)
        if short:
            continue
        for case in (*BOTH, *WHOLE):
            yield replace(case, format=format_, whole=True)
        for case in (*BOTH, *STREAMED):
            if case.worst:
                yield replace(case, format=format_, size=1)
