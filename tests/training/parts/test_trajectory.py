"""What a completion says, and what a run's ledger says, as rewards see it."""

from __future__ import annotations

import anyio
import pytest

from scrimp.core.messages import ToolCall
from scrimp.testing import Bench
from scrimp.tools.sources.python import tool
from scrimp.training.parts.trajectory import of_run, read

ROW = {"id": "1", "answer": "Ann Bell", "result": "Ann Bell", "price": 0.005, "seconds": 0.8}


@pytest.mark.parametrize(
    ("text", "calls", "correct"),
    [("Ann Bell", 0, 1.0), (" ann bell.", 0, 1.0), ("call", 1, 1.0), ("call call", 2, 1.0), ("Ben", 0, 0.0),
     ("call Ben", 1, 0.0), ("", 0, 0.0), ("Ann call", 0, 0.0), ("callous", 0, 0.0)],
)  # fmt: skip
def test_a_completion(text: str, calls: int, correct: float) -> None:
    found = read(text, ROW, 3)
    assert (found.calls, found.correct, found.tokens) == (calls, correct, 3)
    assert found.price == pytest.approx(calls * 0.005)


def test_a_run() -> None:
    @tool(price="0.01", latency=0.1)
    def twice(a: int) -> int:
        """Twice a number.

        Args:
            a: The number.
        """
        return 2 * a

    bench = Bench(tools=[twice])
    anyio.run(bench.ctx.call_tools, [ToolCall(str(i), "twice", {"a": i}) for i in range(3)])
    found = of_run("1", bench.ledger, 1.0)
    assert (found.calls, found.correct, found.price) == (3, 1.0, pytest.approx(0.03))
