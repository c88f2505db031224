"""The dialogue that every framework is put through: which tool is asked for in each round, and what it gives.

Plain Python, since it is imported inside each framework's own environment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TASK = "Work through the list with the three tools, one call at a time, and say when you are done."
INSTRUCTIONS = "You solve tasks with the help of tools."
ANSWER = "All rounds are done."


def add(a: int, b: int) -> int:
    """Add two whole numbers.

    Args:
        a: The first number.
        b: The second number.
    """
    return a + b


def lookup(key: str) -> str:
    """Look up what is stored under a key.

    Args:
        key: The key to look up.
    """
    return f"the value of {key}"


def concat(left: str, right: str) -> str:
    """Join two texts.

    Args:
        left: The first text.
        right: The second text.
    """
    return left + right


FUNCTIONS = (add, lookup, concat)


@dataclass(frozen=True)
class Call:
    """One call that the scripted model asks for."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass
class Script:
    """What the model says in one run. Every run has words of its own, so that nothing can be reused between runs."""

    rounds: int
    run: int
    said: int = 0
    seen: list[str] = field(default_factory=list)

    def next(self) -> Call | None:
        """The next call; None where the answer is due."""
        if self.said == self.rounds:
            return None
        place, tag = self.said, f"{self.run}-{self.said}"
        self.said += 1
        arguments: tuple[dict[str, Any], ...] = (
            {"a": self.run * 1000 + place, "b": place},
            {"key": f"item {tag}"},
            {"left": f"left {tag}, ", "right": f"right {tag}"},
        )
        return Call(f"call_{tag}", FUNCTIONS[place % 3].__name__, arguments[place % 3])

    def check(self, answer: str) -> None:
        """Every call was made and its result reached the model.

        Raises:
            AssertionError: not so.
        """
        again = Script(self.rounds, self.run)
        calls = [call for _ in range(self.rounds) if (call := again.next()) is not None]
        expected = [str(FUNCTIONS[place % 3](**call.arguments)) for place, call in enumerate(calls)]
        if answer != ANSWER or self.said != self.rounds:
            raise AssertionError(f"the run ended after {self.said} of {self.rounds} calls with {answer!r}")
        if self.seen != expected:
            raise AssertionError(f"the model saw {self.seen[:3]}..., not {expected[:3]}...")
