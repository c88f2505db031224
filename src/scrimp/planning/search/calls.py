"""Plans of tool calls as a Space: a node is a call, its children are the next ones that the model proposes.

One request proposes a number of samples of the next step, each with the tools that it imagines to follow; equal ones
are merged, and how many there were is their share. A call is made when its node is expanded, not before, and the same
call once only; a call that acts is tried in a clone of the world, and the plan that is found is then carried out in the
task's own. So a search makes calls that its plan does not keep: a tool with effects outside must be one that acts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from scrimp.core.context import Context
from scrimp.core.messages import Message, ToolCall, ToolSpec, assistant, canonical, user
from scrimp.core.prompt import Prompt
from scrimp.core.task import Answer, Task
from scrimp.core.tool import Tool, ToolResult, signature
from scrimp.planning.parts.conversation import concluded, opening
from scrimp.planning.parts.scores import scores
from scrimp.planning.search.tree import Found, Node, Proposal

NEXT = Prompt(
    "next-steps",
    1,
    "You solve a task with tools, one step at a time. The tools are:\n$tools\n\nReply with one JSON object "
    '{"steps": [{"tool": NAME, "arguments": {...}, "then": [NAME, ...]}, ...]}: $samples independent tries at the one '
    'step to take next. Write a step as often as you would choose it. Under "then" stand the names of the tools that '
    "will still have to be called after it, in order. Never guess what a tool can tell you; as soon as the answer is "
    "known, the step is " + '{"tool": "final_answer", "arguments": {"answer": ANSWER}, "then": []}, with the answer in '
    "the form the task asks for and nothing else.",
)
CONCLUDE = Prompt(
    "search-conclude", 1, "No more calls are possible. From what was seen, reply with your best answer to the task."
)
FINISH = "final_answer"
FINISHING = ToolSpec(
    FINISH,
    "End with the answer to the task.",
    {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]},
)
ANY_REPLY, EACH_SAMPLE = 500, 150
"""Most tokens of a reply: so many, and so many more for each sample; a reply that is cut off holds no step."""
SAMPLES = 10
"""Samples of the next step that one request asks for (ToolChain*, unverified)."""
EXPANSIONS = 30
"""Expansions of one search, the same for every order, so that they can be compared."""
DEEPEST = 12
"""Steps of the longest plan, where the task does not say how many turns it allows."""
MOST_LEFT = 8
"""Most steps that are imagined to follow."""
NOTED = ToolResult("noted")
"""What is seen of a call where the task asks for the calls themselves."""


class CallSpace:
    """The plans for one task.

    Args:
        tools: what may be called; one named `final_answer` cannot be.
        samples: of the next step, per request.
    """

    def __init__(self, task: Task, tools: Sequence[Tool], ctx: Context, samples: int = SAMPLES) -> None:
        self.task, self._ctx, self._samples = task, ctx, samples
        self._tools = {tool.name: tool for tool in tools}
        self._specs = [*(tool.spec for tool in tools), FINISHING]
        lines = "\n".join(signature(spec) for spec in self._specs)
        self._opening = opening(NEXT.render(tools=lines, samples=str(samples)), task)
        self._worlds: dict[Node, Context] = {}
        self._known: dict[str, ToolResult] = {}

    @property
    def deepest(self) -> int:
        """Steps of the longest plan."""
        return self.task.steps or DEEPEST

    # -- a Space --

    async def propose(self, node: Node) -> Sequence[Proposal]:
        """Make the node's own call, then ask for the steps after it; what cannot be read is asked for once more."""
        if not self._bears(node):
            return []
        await self._ctx.step()
        await self._see(node)
        messages = self.conversation(node)
        self._ctx.keep(messages, self._ctx.kept[0].text)
        tight = self._ctx.capabilities().schema == "grammar"
        schema = _schema(self._specs, self._samples) if tight else OUTLINE
        asked: dict[str, Any] = {"schema": schema, "max_output": ANY_REPLY + EACH_SAMPLE * self._samples}
        response = await self._ctx.complete(messages, prompt=NEXT, **asked)
        found = self._read(response.text)
        if not found:
            messages += [response.message, user(f"That holds no step. {_EXAMPLE}")]
            response = await self._ctx.complete(messages, prompt=NEXT, attempt=2, retry="repair", **asked)
            found = self._read(response.text)
        return found

    async def rate(self, nodes: Sequence[Node]) -> Sequence[float]:
        """The model's own judgement of siblings, in one call."""
        if not nodes or nodes[0].parent is None:
            return [0.0] * len(nodes)
        return await scores(self._ctx, self.conversation(nodes[0].parent), [candidate(call_of(node)) for node in nodes])

    # -- what was found --

    async def answer(self, found: Found) -> Answer:
        """The answer of the plan that was found, carried out in the task's own world where its calls act.

        Raises:
            BudgetExceeded: the budget ended the search before any plan was whole; what was seen is kept.
        """
        node, messages = found.node, self.conversation(found.node)
        path = [call_of(one) for one in node.path()]
        calls = [call for call in path if call.name != FINISH]
        text = str((path[-1].arguments or {}).get("answer", "")) if node.final else ""
        self._ctx.keep(messages, text)
        for call in calls:
            if self._acts(call):
                await self._ctx.call_tool(call)
        wanted = tuple(calls) if self.task.answer_with == "calls" else ()
        if node.final:
            return Answer(text, wanted, partial=found.refusal is not None)
        if found.refusal is not None:
            raise found.refusal
        response = await concluded(self._ctx, messages, CONCLUDE)
        return Answer(response.text, wanted)

    def conversation(self, node: Node) -> list[Message]:
        """The task, and every call down to this node with what was seen of it."""
        messages = list(self._opening)
        for one in node.path():
            call = call_of(one)
            step = json.dumps({"tool": call.name, "arguments": call.arguments}, ensure_ascii=False)
            messages.append(assistant(step))
            if one.seen is not None:
                messages.append(user(f"{candidate(call)} = {one.seen.text}"))
        return messages

    # -- inside --

    def _bears(self, node: Node) -> bool:
        """Whether the budget bears trying this node's call and still carrying out the way to it."""
        left = self._ctx.remaining().get("tool_calls")
        acting = sum(self._acts(call_of(one)) for one in node.path()) if left is not None else 0
        return left is None or not acting or left > acting

    def _acts(self, call: ToolCall) -> bool:
        tool = self._tools.get(call.name)
        return tool is not None and tool.acts and self.task.answer_with != "calls"

    async def _see(self, node: Node) -> None:
        """Make the call of a node, once: in a world of its own where it acts."""
        if node.parent is None or node.seen is not None:
            return
        call = call_of(node)
        if self.task.answer_with == "calls":
            node.seen = NOTED
        elif self._acts(call):
            world = self._worlds[node] = await self._world(node.parent).fork()
            node.seen = await world.call_tool(call)
        else:
            key = canonical([call.name, call.arguments])
            if key not in self._known:
                self._known[key] = await self._ctx.call_tool(call)
            node.seen = self._known[key]

    def _world(self, node: Node) -> Context:
        """The context whose world stands where this node's calls led."""
        at: Node | None = node
        while at is not None and at not in self._worlds:
            at = at.parent
        return self._ctx if at is None else self._worlds[at]

    def _read(self, text: str) -> list[Proposal]:
        """The steps of a reply, equal ones merged, the most frequent first; what is no step of these tools is left out.

        Shares are of all samples written, so that nonsense lowers them; more than were asked for are not read.
        """
        samples = _samples(text)[: self._samples]
        steps: dict[str, ToolCall] = {}
        votes: Counter[str] = Counter()
        left: Counter[str] = Counter()
        for sample in samples:
            name, arguments, then = sample.get("tool"), sample.get("arguments"), sample.get("then")
            if not isinstance(arguments, Mapping) or (name != FINISH and name not in self._tools):
                continue
            key = _same(str(name), arguments)
            steps.setdefault(key, ToolCall(f"step_{len(steps) + 1}", str(name), dict(arguments)))
            votes[key] += 1
            left[key] += min(len(then), MOST_LEFT) if isinstance(then, list) else 0
        return [
            Proposal(steps[key], count / len(samples), left[key] / count, steps[key].name == FINISH)
            for key, count in votes.most_common()
        ]


def call_of(node: Node) -> ToolCall:
    """The call that a node is."""
    assert node.proposal is not None
    call: ToolCall = node.proposal.step
    return call


def candidate(call: ToolCall) -> str:
    """A call in one line: `name({"argument": value})`."""
    return f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})"


def _same(name: str, arguments: Mapping[str, Any]) -> str:
    """What two samples must share to be one step: name and arguments; of answers, how they read without case."""
    if name == FINISH:
        return canonical([name, " ".join(str(arguments.get("answer", "")).casefold().split()).rstrip(".。")])
    return canonical([name, arguments])


def _samples(text: str) -> list[Mapping[str, Any]]:
    try:
        given = json.loads(text)
    except ValueError:
        return []
    steps = given.get("steps") if isinstance(given, Mapping) else None
    return [one for one in steps if isinstance(one, Mapping)] if isinstance(steps, list) else []


_EXAMPLE = 'Reply with {"steps": [{"tool": NAME, "arguments": {...}, "then": []}]}, with tools from the list.'

_NAMES: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}, "maxItems": MOST_LEFT}
_STEP: Mapping[str, Any] = {
    "type": "object",
    "properties": {"tool": {"type": "string"}, "arguments": {"type": "object"}, "then": _NAMES},
    "required": ["tool", "arguments", "then"],
}
OUTLINE: Mapping[str, Any] = {
    "type": "object",
    "properties": {"steps": {"type": "array", "items": _STEP}},
    "required": ["steps"],
}
"""The form of a reply without the tools' own schemas, for models to which a schema is sent along."""


def _schema(specs: Sequence[ToolSpec], samples: int) -> dict[str, Any]:
    """Exactly so many samples, each a call of one of the tools."""
    then = {"type": "array", "items": {"enum": [spec.name for spec in specs]}, "maxItems": MOST_LEFT}
    choices = [
        {
            "type": "object",
            "properties": {"tool": {"const": spec.name}, "arguments": dict(spec.parameters), "then": then},
            "required": ["tool", "arguments", "then"],
            "additionalProperties": False,
        }
        for spec in specs
    ]
    steps = {"type": "array", "items": {"anyOf": choices}, "minItems": samples, "maxItems": samples}
    return {"type": "object", "properties": {"steps": steps}, "required": ["steps"], "additionalProperties": False}
