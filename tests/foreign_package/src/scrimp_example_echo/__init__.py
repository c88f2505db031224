"""A stranger's method: everything a package outside scrimp needs in order to add one.

The entry point in pyproject.toml (group `scrimp.methods`) names the class, and scrimp finds it by itself.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.messages import system, user
from scrimp.core.prompt import Prompt
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task

CARD = Card(
    name="echo",
    family="planner",
    title="Echo",
    paper="",
    saves="everything but the first call",
    against="react",
    needs=(),
    workload="none",
    notes="a stranger's method, for tests",
)

PROMPT = Prompt("echo", 1, "Answer in one sentence.")


@method(CARD)
class Echo:
    """One model call, no tools."""

    prompts = (PROMPT,)

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Ask once and return what was said."""
        response = await ctx.complete([system(PROMPT.render()), user(task.text)], prompt=PROMPT)
        return Answer(response.text)
