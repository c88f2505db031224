"""Self-consistency: solve the task several times over and take the answer that most of them gave (arXiv 2203.11171).

It saves nothing: it is what any method that samples or debates must beat at the same number of tokens. Votes are
counted on the answers as they read without case, spaces and final stops, or on the calls where the task wants calls.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded
from scrimp.core.protocols import Planner
from scrimp.core.registry import Card, create, method
from scrimp.core.task import Answer, Task
from scrimp.planning.parts.votes import majority

CARD = Card(
    name="self-consistency",
    family="planner",
    title="Self-consistency",
    paper="2203.11171",
    saves="",
    against="",
    samples=True,
    notes="A control, not a saving. Its samples differ only where the System's temperature is above zero.",
)

SAMPLES = 5


@method(CARD)
class SelfConsistency:
    """Majority vote over whole solutions.

    Args:
        samples: solutions per task.
        inner: the planner that makes each of them, without parameters of its own.
    """

    def __init__(self, samples: int = SAMPLES, inner: str = "react") -> None:
        if samples < 1:
            raise ValueError(f"samples is {samples}; it takes 1 or more")
        self.samples, self.inner = samples, inner

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Solve it `samples` times, one after the other, and give the answer that came most often, the earliest of
        those that came equally often. A budget that ends under way leaves the vote to those that are there."""
        answers: list[Answer] = []
        for number in range(1, self.samples + 1):
            planner: Planner = create("planner", self.inner)
            try:
                answers.append(await planner.solve(task, await ctx.spawn(f"sample {number}")))
            except BudgetExceeded:
                if not answers:
                    raise
                break
        return majority(answers)
