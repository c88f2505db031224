"""A proposed answer is checked against the task, constraint by constraint, before it is given (arXiv 2511.17006).

The judge is the model itself, below its own conversation; tools are not offered, so it cannot go on instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scrimp.core.context import Context
from scrimp.core.messages import Message, user
from scrimp.core.prompt import Prompt

DECISIONS = ("accept", "continue", "pivot")
STATUSES = ("satisfied", "contradicted", "unverifiable")
ACCEPTED, OPEN, REJECTED = 2, 1, 0
"""How far an answer came: all was verified, something was not, something contradicts it."""
MOST, LONGEST = 8, 500
"""Constraints of a verification, and characters of one or of the summary; more is not kept."""
REPLY = 1000
"""Most tokens of a verification; one that is cut off says nothing."""

VERIFY = Prompt(
    "bats-verify",
    1,
    "Check that answer against the task, constraint by constraint: does what you have seen satisfy it, contradict it, "
    "or neither (unverifiable)? Then decide: accept; continue on this line, where something is unverified and the "
    "budget bears it; or pivot, where the answer is contradicted or the line is a dead end. Summarise in two sentences "
    "what was tried and what it showed, for one who begins anew. $budget Reply with one JSON object.",
    {
        "type": "object",
        "properties": {
            "constraints": {
                "type": "array",
                "maxItems": MOST,
                "items": {
                    "type": "object",
                    "properties": {
                        "constraint": {"type": "string", "maxLength": 120},
                        "status": {"enum": list(STATUSES)},
                    },
                    "required": ["constraint", "status"],
                    "additionalProperties": False,
                },
            },
            "decision": {"enum": list(DECISIONS)},
            "summary": {"type": "string", "maxLength": LONGEST},
        },
        "required": ["constraints", "decision", "summary"],
        "additionalProperties": False,
    },
)


@dataclass(frozen=True)
class Verdict:
    """What a verification said: one of DECISIONS, or nothing where it could not be read.

    `open` are the constraints that nothing satisfies yet.
    """

    decision: str = ""
    open: tuple[str, ...] = ()
    summary: str = ""

    @property
    def rank(self) -> int:
        """How far the answer came."""
        return {"accept": ACCEPTED, "pivot": REJECTED}.get(self.decision, OPEN)


async def verify(ctx: Context, messages: Sequence[Message], budget: str, **options: Any) -> Verdict:
    """Ask the model about the answer that ends a conversation.

    Args:
        budget: what is left, in words.
        options: as in `ctx.complete`.
    """
    asked = [*messages, user(VERIFY.render(budget=budget))]
    return _read((await ctx.complete(asked, prompt=VERIFY, max_output=REPLY, **options)).text)


def _read(text: str) -> Verdict:
    try:
        said = json.loads(text)
    except ValueError:
        return Verdict()
    if not isinstance(said, dict) or said.get("decision") not in DECISIONS:
        return Verdict()
    rows = said.get("constraints")
    rows = [row for row in rows if isinstance(row, dict)][:MOST] if isinstance(rows, list) else []
    unmet = tuple(str(row.get("constraint", ""))[:LONGEST] for row in rows if row.get("status") != "satisfied")
    return Verdict(said["decision"], unmet, str(said.get("summary") or "")[:LONGEST])
