"""What can go wrong, one name each. A request has one fault or none; faults are chosen per request.

`POST /control` queues them for the next requests; a model's name may carry one as well: `words-40!cut:8`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

KINDS: dict[str, str] = {
    "none": "nothing goes wrong",
    "slow_first": "the first byte comes after `seconds`",
    "slow_tokens": "every token comes after `seconds`",
    "silent": "no byte ever comes; input is billed",
    "working": "no byte comes, but the answer is written and billed as if it did",
    "cut": "the stream ends after `after` tokens",
    "drop": "the connection ends before the response; input is billed if `billed`",
    "drop_usage": "everything is sent but the final usage and the end",
    "malformed": "after `after` tokens comes an event that is no JSON",
    "error_event": "after `after` tokens comes an error with `status`",
    "usage_less": "the usage stated is half of what is billed",
    "usage_more": "the usage stated is twice what is billed",
    "usage_missing": "the usage is never stated",
    "usage_zero": "the usage stated is all zeros",
    "usage_one": "the usage stated is right but for a single output token",
    "usage_null": "the final usage is stated as null",
    "usage_early": "the right usage comes before the last event of the answer",
    "usage_stale": "a usage comes after `after` tokens, right at that moment, and none after it",
    "usage_running": "every event states the usage so far; the final one is left out",
    "status": "refused with `status` and, for 429, a Retry-After of `retry` (seconds or a date)",
    "gateway": "answered and billed, but a gateway in between gives `status` to the client",
    "endless": "the output cap is ignored; `seconds` between tokens",
    "endless_reasoning": "reasoning that is shown in no text goes on for ever",
    "endless_call": "the arguments of a tool call go on for ever",
    "long": "the output cap is passed by the factor `after`, then the answer ends as if nothing had been",
    "html": "a page in HTML with status 200, as proxies send it",
    "gzip": "content that says it is gzip and is not",
    "duplicate": "the last events come twice",
    "split": "every event is sent in single bytes, so characters are cut",
    "keep_alive": "comments and empty events between the tokens, lines ended by CR LF",
}  # fmt: skip

MANNERS = ("close", "reset", "end")
"""How a connection ends: orderly but unfinished, torn, or as if the answer were complete."""


class WrongFault(ValueError):
    """A fault nobody knows."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request; see `KINDS`.

    Attributes:
        echo: an error's text holds the request's API key.
        stays: the answer is written and billed to its end though the client has left.
    """

    kind: str = "none"
    after: int = 8
    seconds: float = 0.0
    status: int = 500
    retry: str = ""
    manner: str = "close"
    billed: bool = False
    echo: bool = False
    stays: bool = False

    @classmethod
    def from_json(cls, data: Any) -> Fault:
        """A fault from its fields, or from its name.

        Raises:
            WrongFault: it has an unknown name or field.
        """
        data = {"kind": data} if isinstance(data, str) else data
        known = {field.name for field in fields(cls)}
        if not isinstance(data, dict) or not set(data) <= known:
            raise WrongFault(f"a fault has the fields {', '.join(sorted(known))}, not {data!r}")
        fault = cls(**data)
        if fault.kind not in KINDS or fault.manner not in MANNERS:
            raise WrongFault(f"no fault is called {fault.kind!r}, or it cannot end by {fault.manner!r}")
        return fault

    @classmethod
    def of_model(cls, name: str) -> tuple[str, Fault | None]:
        """A model's name without its fault, and the fault: `words-40!cut:8`."""
        plain, mark, told = name.partition("!")
        if not mark:
            return name, None
        kind, _, after = told.partition(":")
        return plain, cls.from_json({"kind": kind, **({"after": int(after)} if after.isdigit() else {})})
