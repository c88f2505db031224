"""What a policy did with one question, as rewards see it; read from a completion, or from the ledger of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scrimp.core.ledger import Ledger

CALL = "call"
"""The word by which a policy makes its tool call; the result stands for the answer where nothing follows."""


@dataclass(frozen=True)
class Trajectory:
    """One rollout.

    Attributes:
        question: id of what was asked; rollouts of one question are a group.
        calls: executed tool calls.
        correct: 0 to 1.
        price: of the calls, in dollars; `seconds` is what they took.
        tokens: what the policy wrote.
    """

    question: str
    calls: int
    correct: float
    price: float = 0.0
    seconds: float = 0.0
    tokens: int = 0


def of_run(question: str, ledger: Ledger, success: float) -> Trajectory:
    """The trajectory of a recorded run: its tool calls and their cost, what was written, and its score."""
    tools = ledger.terms["tools"]
    return Trajectory(
        question, tools.calls, success, float(tools.cost.least), tools.busy_us / 1e6, ledger.total.tokens.output
    )


def read(text: str, row: Mapping[str, Any], tokens: int = 0) -> Trajectory:
    """The trajectory of a completion: `call`, as often as the policy likes, then an answer in words or nothing.

    A call has no arguments of its own: the tool is run with those that the question needs, so what is learned is
    whether to call, and not how. Words after a call are the answer, as they would be in a run.

    Args:
        row: `id`, `answer` (the right one), `result` (what the tool gives), `price` and `seconds` of a call.
    """
    said = text.split()
    calls = 0
    while calls < len(said) and said[calls] == CALL:
        calls += 1
    answer = " ".join(said[calls:]) or (str(row["result"]) if calls else "")
    correct = float(_plain(answer) == _plain(str(row["answer"])))
    return Trajectory(
        str(row["id"]), calls, correct, calls * float(row["price"]), calls * float(row["seconds"]), tokens
    )


def _plain(text: str) -> str:
    return text.strip().rstrip(".").casefold().replace(" ", "")
