"""Best-of-n: solve the task several times over, score each solution, take the best (arXiv 2110.14168, section 4.2).

It saves nothing: beside self-consistency it is what a search must beat at the same budget. Each solution is scored by
itself, below the whole of its conversation, as soon as it is there; so a budget that ends under way leaves the best.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded
from scrimp.core.messages import canonical
from scrimp.core.protocols import Planner
from scrimp.core.registry import Card, create, method
from scrimp.core.task import Answer, Task
from scrimp.planning.parts.conversation import question
from scrimp.planning.parts.scores import scores

CARD = Card(
    name="best-of-n",
    family="planner",
    title="Best-of-n",
    paper="2110.14168",
    saves="",
    against="",
    samples=True,
    notes="A control, not a saving. The solver's own model scores, where the paper trains a verifier.",
)

SAMPLES = 5


@method(CARD)
class BestOfN:
    """The solution that the model itself scores highest.

    Args:
        samples: solutions per task; under a budget, as many of them as it bears.
        inner: the planner that makes each of them, without parameters of its own.
    """

    def __init__(self, samples: int = SAMPLES, inner: str = "react") -> None:
        if samples < 1:
            raise ValueError(f"samples is {samples}; it takes 1 or more")
        self.samples, self.inner = samples, inner

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Solve and score `samples` times, one after the other; the highest score, of equal ones the earliest."""
        best: tuple[float, Answer] | None = None
        for number in range(1, self.samples + 1):
            child = await ctx.spawn(f"sample {number}")
            planner: Planner = create("planner", self.inner)
            try:
                answer = await planner.solve(task, child)
                # A solution that nobody could score any more is better than none.
                best = best or (0.0, answer)
                found = await _score(task, answer, child)
            except BudgetExceeded:
                if best is None:
                    ctx.keep(child.kept[1], child.kept[0].text)
                    raise
                break
            if number == 1 or found > best[0]:
                best = (found, answer)
        assert best is not None
        return best[1]


async def _score(task: Task, answer: Answer, ctx: Context) -> float:
    """The model's score of one solution, from 0 to 1, below the conversation that led to it."""
    said = canonical([[call.name, call.arguments] for call in answer.calls]) if answer.calls else answer.text
    (found,) = await scores(ctx, ctx.kept[1] or question(task), [said])
    return found
