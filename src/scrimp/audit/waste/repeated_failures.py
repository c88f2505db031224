"""The same tool failing in the same way again: told by tool and kind of error, whatever the arguments' wording."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scrimp.audit.index import Finding, Index, plus

NAME = "repeated-failures"
TITLE = "The same failure again"
HINT = "early-stop"

_VARYING = re.compile(r"\d+|'[^']*'|\"[^\"]*\"|0x[0-9a-f]+|/[\w./-]+")


def find(index: Index) -> Iterator[Finding]:
    """Every failure after the first of its kind in a row of steps, with the model call that asked for it."""
    seen: set[tuple[str, str]] = set()
    charged: set[int] = set()
    for use in index.run.trace.tools:
        if not use.failed:
            if use.failed is False or use.result:
                seen = {kind for kind in seen if kind[0] != use.call.name}  # it worked: the row is over
            continue
        kind = (use.call.name, kind_of(use.error))
        if kind in seen and use.message is not None:
            tokens, cost = index.of_message(use.message)
            if use.step not in charged:
                charged.add(use.step)
                more, price = index.of_call(use.step)
                tokens, cost = tokens + more, plus(cost, price)
            detail = f"{use.call.name} failed again in the same way as before"
            yield Finding(NAME, use.step, use.where, detail, tokens, cost, use.seconds or 0.0, use.message,
                          (0, min(200, len(use.message.text))))  # fmt: skip
        seen.add(kind)


def kind_of(error: str) -> str:
    """An error without what differs from one time to the next: numbers, names in quotes, paths."""
    return _VARYING.sub("#", error.strip().lower())[:80]
