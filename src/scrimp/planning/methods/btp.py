"""BTP: how often each tool may be called, planned as a knapsack before the run begins (arXiv 2402.15960).

Saves what tools cost: before the run, a budget is laid out over the tools by what calls of them were worth in earlier
runs with like questions; while it runs, nothing beyond the plan is called, so the budget is never exceeded.

Read after the paper's section 3 and its code, with its constants. The value of a tool is its smoothed, similarity-
weighted usefulness v, its frequency F the weighted number of calls that were asked for (made or not: the plan itself
must not teach the next one that a tool is called once). Costs are declared prices; of a tool that costs nothing no call
is forbidden. The paper's judge of a result is a trained classifier, here a rule: it succeeded and says something.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from scrimp.core.context import Context
from scrimp.core.errors import UnknownPrice
from scrimp.core.messages import ToolCall, canonical, digest, user
from scrimp.core.money import plain
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Scored
from scrimp.core.records import Record
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool, ToolResult
from scrimp.planning.parts.conversation import TURNS, concluded, observations, opening
from scrimp.planning.parts.knapsack import in_units, take

CARD = Card(
    name="btp",
    family="planner",
    title="BTP",
    paper="2402.15960",
    saves="what tools cost, under a hard budget",
    against="react",
    needs=("embedder", "store"),
    claim="more tasks passed within the budget at a lower average cost than ReAct and DFSDT, the budget never exceeded",
    workload="toolworld",
    n=250,
    margin=5.0,
    unit="usd",
    verdicts={"oracle": "contradicted"},
    notes="The paper's judge of results is a trained classifier; here it is a rule. No size is claimed that we read.",
)

BUDGET = "0.02"
"""Dollars of tools per task: the paper's 20 units, at the thousandth of a dollar that a look-up costs."""
TEMPERATURE = 1.0
USEFUL_PRIOR, CALLS_PRIOR = 0.1, 1.0
WORTHLESS = 0.15
"""A tool with a history of less value is not called at all."""
MOST_HISTORY = 500
"""Earlier runs that are looked at, the likest."""
EMPTY = ("", "null", "[]", "{}", '""', "none")

PROMPT = Prompt(
    "btp",
    1,
    "You solve tasks with the help of tools. Calls cost money and a budget for them is fixed: call a tool only for "
    "what you cannot do without, never guess what a tool can tell you, and never call one again that gave nothing. As "
    "soon as you know the answer, reply with the answer itself, in the form the task asks for, and nothing else.",
)
CONCLUDE = Prompt("btp-conclude", 1, "No more tool calls are possible. Reply with your best answer to the task now.")


@method(CARD)
class BTP:
    """A knapsack over tools, and a ReAct that keeps to it.

    Args:
        budget: dollars of tools per task; less where the run's own budget leaves less.
        learn: keep what the calls of each run were worth, for the plans of later ones.
        temperature: T of the similarity; the lower, the more the likest questions count.
    """

    prompts = (PROMPT, CONCLUDE)

    def __init__(self, budget: str = BUDGET, learn: bool = True, temperature: float = TEMPERATURE) -> None:
        self.budget, self.learn, self.temperature = Decimal(budget), learn, temperature
        if temperature <= 0:
            raise ValueError(f"temperature is {temperature}; it is above 0")
        if not (self.budget.is_finite() and self.budget >= 0):
            raise ValueError(f"budget is {budget}; it is 0 dollars or more")

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Plan by the history, act within the plan, add to the history."""
        offered = await ctx.tools(task.text)
        records = ctx.store(task.owner, CARD.name)
        (vector,) = await ctx.embed([task.query or task.text or " "])
        history = await records.near(vector, MOST_HISTORY) if offered else []
        budget = min(self.budget, Decimal(ctx.remaining().get("usd", self.budget)))
        plan = laid_out(offered, history, budget, self.temperature)
        guard = Guard(ctx, [tool for tool in offered if plan[tool.name] != 0], plan, budget)
        try:
            return await self._act(task, guard, ctx)
        finally:
            if self.learn and guard.asked:
                calls = {name: [count, guard.useful[name]] for name, count in guard.asked.items()}
                # By its own place in the history, so that equal runs write equal records.
                place = digest([task.text, await records.count()])
                await records.put([Record(place, task.text, "run", {"calls": calls}, vector=vector)])

    async def _act(self, task: Task, guard: Guard, ctx: Context) -> Answer:
        """Turns as ReAct's, each told what is left."""
        messages = opening(PROMPT.text, task)
        for _ in range(task.steps or TURNS):
            ctx.keep(messages)
            await ctx.step()
            response = await ctx.complete(messages, prompt=PROMPT, tools=guard.tools)
            if not response.tool_calls or task.answer_with == "calls":
                return Answer(response.text, response.tool_calls)
            results = await guard.call(response.tool_calls)
            messages += [response.message, *observations(response.tool_calls, results), user(guard.told())]
        response = await concluded(ctx, messages, CONCLUDE)
        return Answer(response.text)


def laid_out(
    tools: Sequence[Tool], history: Sequence[Scored[Record]], budget: Decimal, temperature: float = TEMPERATURE
) -> dict[str, int | None]:
    """Calls of each tool that the plan allows; None for one that costs nothing, which needs no plan.

    Raises:
        UnknownPrice: nobody stated what a tool costs.
    """
    unknown = [tool.name for tool in tools if tool.price is None]
    if unknown:
        raise UnknownPrice(
            f"btp plans by what tools cost, but nobody stated a price for {', '.join(unknown)}",
            remedy="give one with --prices FILE, or declare it on the tool",
        )
    dear = [tool for tool in tools if tool.price]
    costs, units = in_units([tool.price or Decimal(0) for tool in dear], budget)
    worth = [weighed(tool.name, history, temperature) for tool in dear]
    counts = take(costs, [value for value, _ in worth], [calls for _, calls in worth], units)
    return {**{tool.name: None for tool in tools}, **dict(zip((tool.name for tool in dear), counts, strict=True))}


def weighed(name: str, history: Sequence[Scored[Record]], temperature: float = TEMPERATURE) -> tuple[float, int]:
    """Value and frequency of a tool: v = (sum s useful + 0.1) / (sum s + 1), F = round(sum s count / sum s).

    The similarity of a run is s = exp((cos - 1) / T). Useless calls count once; without a history F is 1.
    """
    near = useful = count = 0.0
    for scored in history:
        asked, good = scored.item.data["calls"].get(name, (0, 0))
        if asked:
            likeness = math.exp((scored.score - 1) / temperature)
            near += likeness
            useful += likeness * bool(good)
            count += likeness * (asked if good else 1)
    value = (useful + USEFUL_PRIOR) / (near + CALLS_PRIOR)
    if not near:
        return value, 1
    return value, 0 if value < WORTHLESS else round(count / near)


@dataclass
class Guard:
    """Makes the calls that the plan still allows; the same call again costs nothing.

    Attributes:
        tools: those that the plan allows at all.
        limits: calls of each that are left, None for any number.
        left: dollars.
        asked, useful: calls that were wanted by tool, and how many of them gave something.
    """

    ctx: Context
    tools: Sequence[Tool]
    limits: dict[str, int | None]
    left: Decimal
    asked: dict[str, int] = field(default_factory=dict)
    useful: dict[str, int] = field(default_factory=dict)
    blacklist: set[str] = field(default_factory=set)
    _made: dict[str, ToolResult] = field(default_factory=dict)

    async def call(self, calls: Sequence[ToolCall]) -> list[ToolResult]:
        """A result per call, in their order; a refusal for what is not called."""
        prices = {tool.name: tool.price or Decimal(0) for tool in self.tools}
        acting = {tool.name for tool in self.tools if tool.acts}
        told: dict[int, ToolResult] = {}
        wanted: dict[str, list[int]] = {}
        for place, call in enumerate(calls):
            key = canonical([call.name, call.arguments, call.raw]) + (f" {place}" if call.name in acting else "")
            if key in self._made:
                told[place] = self._made[key]
            elif key in wanted:
                wanted[key].append(place)
            elif refusal := self._refusal(call, prices):
                told[place] = ToolResult(f"not called: {refusal}", "error")
            else:
                self._take(call.name, prices[call.name])
                wanted[key] = [place]
        made = await self.ctx.call_tools([calls[places[0]] for places in wanted.values()]) if wanted else []
        for (key, places), result in zip(wanted.items(), made, strict=True):
            self._judge(calls[places[0]].name, result)
            if calls[places[0]].name not in acting:
                self._made[key] = result
            told.update(dict.fromkeys(places, result))
        return [told[place] for place in range(len(calls))]

    def told(self) -> str:
        """What is left, and what may not be called any more, for the model to read."""
        closed = sorted(
            self.blacklist | {name for name, left in self.limits.items() if left == 0 and name in self.asked}
        )
        forbidden = f" Not to be called any more: {', '.join(closed)}." if closed else ""
        return f"Budget left for tools: ${plain(self.left)}.{forbidden}"

    def _refusal(self, call: ToolCall, prices: Mapping[str, Decimal]) -> str:
        """Why a call is not made, empty where it is."""
        if call.name not in prices:
            return f"no tool that may be called here is called {call.name}"
        self.asked[call.name] = self.asked.get(call.name, 0) + 1
        self.useful.setdefault(call.name, 0)
        if call.name in self.blacklist:
            return f"{call.name} gave nothing before"
        if self.limits[call.name] == 0:
            return f"the calls of {call.name} that were planned are used up"
        return f"{call.name} costs more than is left" if prices[call.name] > self.left else ""

    def _take(self, name: str, price: Decimal) -> None:
        self.left -= price
        limit = self.limits[name]
        self.limits[name] = None if limit is None else limit - 1

    def _judge(self, name: str, result: ToolResult) -> None:
        """One failed or useless result, and a tool is not called again."""
        if result.ok and result.text.strip().lower() not in EMPTY:
            self.useful[name] += 1
        else:
            self.blacklist.add(name)
