"""Budget Tracker and BATS: an agent told what is left, that plans by it and begins again with the rest (2511.17006).

Saves tool calls and money at equal accuracy, and makes a larger budget useful, where plain ReAct stops early. The caps
are the run's own budget, enforced by its account; the unified cost, tokens of each kind and priced tool calls, is the
ledger's dollars. No code is public. The sheet leaves open whether an accepted answer ends the run; `thrifty` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scrimp.core.context import Context
from scrimp.core.errors import BudgetExceeded
from scrimp.core.messages import Message, Response, ToolCall, user
from scrimp.core.prompt import Prompt
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool, ToolResult
from scrimp.planning.parts.checklist import HOW, Checklist
from scrimp.planning.parts.conversation import TURNS, concluded, observations, opening, question
from scrimp.planning.parts.scores import scores
from scrimp.planning.parts.tracker import POLICY, Tracker
from scrimp.planning.parts.verdict import ACCEPTED, OPEN, VERIFY, Verdict, verify
from scrimp.planning.parts.votes import ballot, majority

CARD = Card(
    name="bats",
    family="planner",
    title="Budget Tracker and BATS",
    paper="2511.17006",
    saves="tool calls and money at equal accuracy",
    against="react",
    claim="tracker alone: 6.8 cents at 12.8 % where ReAct takes 9.9 for 12.6 % (BrowseComp); BATS 24.6 % at its cap",
    workload="toolworld",
    n=250,
    margin=5.0,
    unit="usd",
    claimed_ratio=0.69,
    verdicts={"oracle": "contradicted"},
    budget_aware=True,
    notes="form='tracker' is the plug-in alone. An oracle cannot be told to be thrifty, so on it the text only costs.",
)

FORMS = ("full", "tracker")
ATTEMPTS = 3

_WORK = (
    "You solve tasks with the help of tools, within a budget. Think about what is still missing, call a tool when you "
    f"need it, read its result and what is left, and go on. Never guess what a tool can tell you. {POLICY}. "
)
_END = "As soon as you know the answer, reply with the answer itself, in the form the task asks for, and nothing else."
TRACKED = Prompt("bats-tracker", 1, _WORK + _END)
PLANNED = Prompt("bats", 1, f"{_WORK}{HOW} {_END}")
GO_ON = Prompt("bats-go-on", 1, "Not verified yet: $open. Go on; then answer again.")
TRIED = Prompt("bats-tried", 1, "Earlier attempts, given up:\n$tried\n\nThe checklist so far:\n$checklist\n\n$budget")
CONCLUDE = Prompt("bats-conclude", 1, "No more tool calls are possible. Reply with your best answer to the task now.")


@dataclass
class _Work:
    """A run under way: what every attempt shares."""

    task: Task
    ctx: Context
    tools: Sequence[Tool]
    tracker: Tracker
    checklist: Checklist = field(default_factory=Checklist)
    answers: list[tuple[int, Answer]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def asking(self) -> dict[str, Any]:
        """How a call of this attempt is counted: all after the first attempt are retries."""
        number = len(self.tried) + 1
        return {"attempt": number, "retry": "restart"} if number > 1 else {}


@method(CARD)
class BATS:
    """Budget-aware agent.

    Args:
        form: `full`, or `tracker`: ReAct that is told its budget, without checklist, verification and restarts.
        attempts: most attempts, the first among them.
        thrifty: an accepted answer ends the run; else attempts go on while the budget bears them, and a judge picks.
        enforce: keep the bands' rules for a model that does not read them.
    """

    prompts = (TRACKED, PLANNED, VERIFY, GO_ON, TRIED, CONCLUDE)

    def __init__(
        self, form: str = "full", attempts: int = ATTEMPTS, thrifty: bool = True, enforce: bool = False
    ) -> None:
        if form not in FORMS:
            raise ValueError(f"form is {form!r}; it takes {' or '.join(FORMS)}")
        if attempts < 1:
            raise ValueError(f"attempts is {attempts}; it takes 1 or more")
        self.full, self.attempts, self.thrifty, self.enforce = form == "full", attempts, thrifty, enforce

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Attempts until one is accepted or the budget bears no other; the best answer of them."""
        work = _Work(task, ctx, await ctx.tools(task.text), Tracker(ctx, self.enforce))
        if not self.full or task.answer_with == "calls":
            return _answer(await self._walk(work, self._open(work), task.steps or TURNS))
        cut = False
        try:
            for _ in range(self.attempts):
                verdict = await self._attempt(work)
                if work.tracker.over or (self.thrifty and verdict.decision in ("accept", "")):
                    break
                work.tried.append(verdict.summary or "Nothing was found.")
        except BudgetExceeded:
            cut = True
            if not work.answers:
                raise
        return await _chosen(work, cut)

    async def _attempt(self, work: _Work) -> Verdict:
        """Walk to an answer and verify it, and again on the same line while the verdict is to continue."""
        messages, turns = self._open(work), work.task.steps or TURNS
        while True:
            before = len(messages)
            response = await self._walk(work, messages, turns)
            turns -= sum(message.role == "assistant" for message in messages[before:]) + 1
            work.answers.append((OPEN, _answer(response)))
            said = [*messages, response.message]
            verdict = await verify(work.ctx, said, work.tracker.told(), **work.asking())
            work.answers[-1] = (verdict.rank, _answer(response))
            if verdict.decision != "continue" or turns < 1 or work.tracker.over:
                return verdict
            messages += [response.message, user(GO_ON.render(open="; ".join(verdict.open) or "the answer"))]

    def _open(self, work: _Work) -> list[Message]:
        messages = opening((PLANNED if self.full else TRACKED).text, work.task)
        told = work.tracker.told()
        if work.tried:
            tried = "\n".join(f"{number}. {one}" for number, one in enumerate(work.tried, 1))
            told = TRIED.render(tried=tried, checklist=str(work.checklist) or "empty", budget=told)
        return [*messages, user(told)] if told else messages

    async def _walk(self, work: _Work, messages: list[Message], turns: int) -> Response:
        """ReAct turns, added to `messages`, until one calls nothing, or nothing may be called any more."""
        ctx, prompt = work.ctx, PLANNED if self.full else TRACKED
        for _ in range(turns):
            ctx.keep(messages)
            if work.tracker.over:
                break
            await ctx.step()
            response = await ctx.complete(messages, prompt=prompt, tools=work.tools, **work.asking())
            work.checklist.update(response.text)
            if not response.tool_calls or work.task.answer_with == "calls":
                return response
            messages += [response.message, *await _observed(work, response.tool_calls)]
        return await concluded(ctx, messages, CONCLUDE, **work.asking())


async def _observed(work: _Work, calls: Sequence[ToolCall]) -> list[Message]:
    """Make the calls of a turn that may be made; below what they gave, how the budget stands after all of them.

    It stands in a message of its own, so that nothing a tool says is taken for it.
    """
    refused = work.tracker.refusals(calls, work.tools)
    made = [call for call, why in zip(calls, refused, strict=True) if not why]
    results = iter(await work.ctx.call_tools(made) if made else [])
    seen = observations(calls, [ToolResult(why, "error") if why else next(results) for why in refused])
    work.checklist.spend(len(made))
    told = "\n".join(filter(None, (work.tracker.told(), work.checklist.spent())))
    return [*seen, user(told)] if told else seen


async def _chosen(work: _Work, cut: bool) -> Answer:
    """The best answer: of those that came farthest, the one that a judge rates highest, from the last slice."""
    rank = max(rank for rank, _ in work.answers)
    best = [answer for mine, answer in work.answers if mine == rank]
    apart = list({ballot(answer): answer for answer in reversed(best)}.values())[::-1]
    chosen = majority(best)
    if len(apart) > 1:
        shown = [*question(work.task), user("What was tried:\n" + "\n".join(work.tried))]
        try:
            rated = await scores(work.ctx, shown, [answer.text for answer in apart], last=True)
            chosen = apart[rated.index(max(rated))]
        except BudgetExceeded:
            pass  # the slice bears no judge: most votes decide
    return replace(chosen, partial=cut and rank < ACCEPTED)


def _answer(response: Response) -> Answer:
    return Answer(response.text, response.tool_calls)
