"""A graph of calls that runs while it grows: each call begins in the moment that its needs are done.

Nothing polls: a call that ends looks itself who waited for it. Where more calls are ready than may run at once, the one
with the longest way of declared latency behind it goes first (the critical path).
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence

import anyio
from anyio.abc import TaskGroup

from scrimp.core.context import Context
from scrimp.core.errors import ScrimpError
from scrimp.core.messages import ToolCall, canonical
from scrimp.core.tool import Tool, ToolResult
from scrimp.tools.parts.dag import REFERENCE, Step, fill

AT_ONCE = 64
"""Calls under way at once, where a method does not say."""


class Schedule:
    """Calls of a plan, which may still be being written.

    Args:
        ctx: each step gets a child of it when it is added, so that its calls' identity does not hang on timing.
        tools: what may be called; their latencies tell the critical path. Those that act follow each other.
        at_once: most calls under way.
        instead: text that stands for the result of a failed call; where None, what depends on it is not called.
        pattern: how a step refers to another one.

    Attributes:
        steps: by number, in the order they came.
        calls: those that were made, references filled.
        results: of the calls that ended.
    """

    def __init__(
        self, ctx: Context, tools: Sequence[Tool], *, at_once: int = AT_ONCE, instead: str | None = None,
        pattern: re.Pattern[str] = REFERENCE,
    ) -> None:  # fmt: skip
        self._ctx, self._tools = ctx, {tool.name: tool for tool in tools}
        self._free, self._instead, self._pattern = at_once, instead, pattern
        self.steps: dict[int, Step] = {}
        self.calls: dict[int, ToolCall] = {}
        self.results: dict[int, ToolResult] = {}
        self._waiting: dict[int, Context] = {}
        self._after: dict[int, int] = {}  # a step that acts -> the one that acts before it
        self._blocked: set[int] = set()
        self._known: dict[str, ToolResult] = {}
        self._errors: list[ScrimpError] = []
        self._group: TaskGroup | None = None

    async def run(self, feed: Callable[[], Awaitable[None]]) -> None:
        """Let `feed` add steps, and wait until all that can be called are done.

        After a budget's refusal, or another error of ours, no further call begins; those under way end first.

        Raises:
            ScrimpError: the first that a call or `feed` met.
        """
        async with anyio.create_task_group() as self._group:
            try:
                await feed()
            except ScrimpError as error:
                self._errors.append(error)
        self._group = None
        for number in self.results:
            self._remember(number)
        if self._errors:
            raise self._errors.pop(0)

    async def add(self, step: Step) -> None:
        """A step of the plan; its call begins at once where nothing holds it back. Only while `run` feeds."""
        acting = [number for number in self.steps if self._acts(self.steps[number])]
        if self._acts(step) and acting:
            self._after[step.number] = acting[-1]
        self.steps[step.number] = step
        self._waiting[step.number] = await self._ctx.spawn()
        self._advance()

    @property
    def failed(self) -> bool:
        """Whether a call failed."""
        return any(not result.ok for result in self.results.values())

    def report(self) -> str:
        """A line `$n: tool(arguments) = result` per step."""
        return "\n".join(self._line(step) for step in self.steps.values())

    def _line(self, step: Step) -> str:
        number = step.number
        if number not in self.results and number not in self._blocked:
            return f"${number}: {step.tool} was not called"
        return line(step, self.calls.get(number), self.results.get(number))

    def _acts(self, step: Step) -> bool:
        tool = self._tools.get(step.tool)
        return tool is not None and tool.acts

    def _advance(self) -> None:
        """Begin every call that may begin now."""
        assert self._group is not None
        while self._free and not self._errors and (ready := self._ready()):
            longest = self._ways()
            step = min(ready, key=lambda one: (-longest[one.number], one.number))
            self._free -= 1
            self._group.start_soon(self._make, step, self._waiting.pop(step.number))

    def _ready(self) -> list[Step]:
        """Steps whose needs are done; those that a failed one holds back for good are set aside."""
        found = []
        for number in list(self._waiting):
            step = self.steps[number]
            lost = [need for need in step.needs if need in self._blocked or not self._usable(need)]
            if lost:
                self._blocked.add(number)
                del self._waiting[number]
            elif all(need in self.results for need in step.needs) and self._over(self._after.get(number)):
                found.append(step)
        return found

    def _usable(self, number: int) -> bool:
        """Whether the result of a step is there and good, or may still come."""
        result = self.results.get(number)
        return result is None or result.ok or self._instead is not None

    def _over(self, number: int | None) -> bool:
        return number is None or number in self.results or number in self._blocked

    def _ways(self) -> dict[int, float]:
        """For each step the declared seconds from its beginning to the end of what is known of the plan."""
        behind = dict.fromkeys(self.steps, 0.0)
        ways = {}
        for number in reversed(self.steps):
            step = self.steps[number]
            tool = self._tools.get(step.tool)
            ways[number] = behind[number] + (tool.latency if tool is not None else 0.0)
            for need in step.needs:
                behind[need] = max(behind[need], ways[number])
        return ways

    async def _make(self, step: Step, ctx: Context) -> None:
        """Make one call, or take the result of the same call made before, and begin what waited for it."""
        texts = {need: self._text(self.results[need]) for need in step.needs}
        call = ToolCall(f"{step.number}", step.tool, fill(step.arguments, texts, self._pattern))
        self.calls[step.number] = call
        try:
            result = self._known.get(same(call)) or await ctx.call_tool(call)
        except ScrimpError as error:
            self._errors.append(error)
        else:
            self.results[step.number] = result
            if step.tool in self._tools and self._tools[step.tool].pure:
                self._remember(step.number)
        self._free += 1
        self._advance()

    def _remember(self, number: int) -> None:
        """A good result serves the same call later: a pure tool's at once, any but an acting one's in the next run."""
        if self.results[number].ok and not self._acts(self.steps[number]):
            self._known[same(self.calls[number])] = self.results[number]

    def _text(self, result: ToolResult) -> str:
        return result.text if result.ok or self._instead is None else self._instead


def same(call: ToolCall) -> str:
    """What two calls share that ask for the same."""
    return canonical([call.name, call.arguments])


def line(step: Step, call: ToolCall | None, result: ToolResult | None) -> str:
    """What became of a step, for a model to read."""
    if call is None or result is None:
        return f"${step.number}: {step.tool} was not called, since a call it depends on failed"
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return f"${step.number}: {step.tool}({arguments}) = {result.text}"
