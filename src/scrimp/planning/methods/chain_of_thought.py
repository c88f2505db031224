"""Chain of thought: think step by step in words, then answer; no tool is called (arXiv 2201.11903, 2205.11916).

A baseline: the cheapest way to solve a task that needs no tool, and what a gate goes back to. The zero-shot form, with
the answer on a line of its own instead of a second call that extracts it.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.prompt import Prompt
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.planning.parts.conversation import opening
from scrimp.planning.parts.thought import ENDING, conclusion

CARD = Card(
    name="chain-of-thought",
    family="planner",
    title="Chain of thought",
    paper="2201.11903",
    saves="",
    against="",
    notes="A baseline without tools.",
)

PROMPT = Prompt("chain-of-thought", 1, f"Solve the task. Think step by step, in words. {ENDING}")


@method(CARD)
class ChainOfThought:
    """One call that thinks and answers."""

    prompts = (PROMPT,)

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """The last line that says `Answer:`, or all of what was said; the calls, where the task wants calls."""
        messages = opening(PROMPT.text, task)
        ctx.keep(messages)
        await ctx.step()
        tools = await ctx.tools(task.text) if task.answer_with == "calls" else ()
        response = await ctx.complete(messages, prompt=PROMPT, tools=tools, component="answer")
        return Answer(conclusion(response.text), response.tool_calls)
