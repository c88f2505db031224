"""SWE-agent trajectories (`.traj`): the history that the model saw, and what it did, with the sums of the bill.

Both forms are read: the older one, where an action stands in the text, and that of version 1, with tool calls. Where a
trajectory holds the very prompts (`query`) they are taken; else the prompt of an answer is the history before it, with
the older observations collapsed where the configuration says so. The sums of a replay are zeros: unknown, not nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from scrimp.audit.calls import failure
from scrimp.audit.names import model_name
from scrimp.audit.prompts import Prompts
from scrimp.audit.reading import Head, Source
from scrimp.audit.trace import Step, ToolUse, Totals, Trace
from scrimp.audit.wire_openai import as_dict, dig, message, number, quantity, rewarded
from scrimp.core.errors import InputError
from scrimp.core.messages import Image, Message, Request, Text, ToolCall
from scrimp.core.money import Money
from scrimp.core.usage import Usage

NAME = "swe-agent"
REPLAYED = "a replay: its recorded zeros are unknown, and its tokens are estimated from the text"
COLLAPSED = "older observations were collapsed as the configuration says, as the model was sent them"
REPEATED = "calls that were repeated within a step have the prompt of the step, without the error that they were told"
ATTEMPTS = "several attempts at one task: their bill holds what the reviewer of the attempts cost too"
UNDONE = "the configuration names a {} that is not applied here: prompts may have been shorter than they are told"
AS_THEY_ARE = ("last_n_observations", "default", "cache_control", "tag_tool_call_observations", "image_parsing")
"""History processors that are applied, or leave the words as they are."""

SAYS = re.compile(
    r"(?P<what>command not found|No such file or directory|Permission denied)\s*$|(?P<late>timed out|took more than)|"
    r"(?:exit code|exit status|returncode)\W{1,3}(?P<code>[1-9]\d*)", re.IGNORECASE | re.MULTILINE,
)  # fmt: skip
"""What a shell says of a command that failed."""

SHORT = 400
"""Characters of an observation beyond which such words in it may be those of a file or of a program."""

REJECTED = "Your proposed edit has introduced"
"""How an editor of SWE-agent begins that did not take an edit; the code of its error follows."""


def sniff(head: Head) -> bool:
    """Whether it is a trajectory."""
    return head.text[:1] == "{" and (
        head.has("trajectory", "action", "observation") or ("model_stats" in head.text and head.has("trajectory"))
    )


def read(source: Source) -> Iterator[Trace]:
    """The one run of a file.

    Raises:
        InputError: it holds no history.
    """
    data = source.document()
    attempts = [one for one in _list(data, "attempts") if _list(one, "history")] or [data]
    if not _list(attempts[0], "history"):
        raise InputError("a trajectory without its history")
    config, info = as_dict(data.get("replay_config")) or {}, as_dict(data.get("info")) or {}
    name = dig(config, "problem_statement", "id") or data.get("instance_id")
    task = str(name) if name else source.path.name.removesuffix(".gz").removesuffix(".traj")
    trace = Trace(task, NAME, str(source.path), task=task, labels=_labels(info, data), reward=_reward(info))
    _totals(trace, info)
    for at, attempt in enumerate(attempts):
        _Attempt(trace, attempt, info, at + 1, f"attempts[{at}], " if len(attempts) > 1 else "").read()
    if len(attempts) > 1:
        trace.notes.append(ATTEMPTS)
    trace.tools_told = not any(step.answer.tool_calls for step in trace.steps)
    if not trace.steps:
        raise InputError("a trajectory without an answer of a model")
    yield trace


@dataclass(frozen=True)
class Collapse:
    """Which observations are sent as one line: all but the last `keep`, which grow to `keep + polling` between."""

    keep: int
    polling: int = 1

    def old(self, observed: Sequence[int]) -> Sequence[int]:
        """Of the places of observations, those that are collapsed. The first holds the task and stays."""
        return observed[1 : max(1, len(observed) // self.polling * self.polling - self.keep)]


class _Attempt:
    """One attempt at the task: its history beside its trajectory, from the beginning on."""

    def __init__(
        self, trace: Trace, data: Mapping[str, Any], info: Mapping[str, Any], number_: int, place: str
    ) -> None:
        config = as_dict(data.get("replay_config")) or {}
        self.trace, self.number, self.place = trace, number_, place
        self.history = [item for item in _list(data, "history") if isinstance(item, dict)]
        self.done = [item for item in _list(data, "trajectory") if isinstance(item, dict)]
        self.model = model_name(str(dig(config, "agent", "model", "name") or info.get("model") or ""))
        self.collapse = self._processors(config)
        self.exit = str(dig(data, "info", "exit_status") or info.get("exit_status") or "")
        self.asked = any(map(_query, self.done))
        self.prompts = Prompts(_message)
        self.first = len(trace.steps)
        self.at = 0
        self.several = len({str(item.get("agent")) for item in self.history if item.get("role") == "assistant"}) > 1

    def read(self) -> None:
        """Every answer of the model as a step, every observation as the result of its action."""
        said: list[Message] = []
        observed: dict[str, list[int]] = {}
        agents: list[str] = []
        answers = [item for item in self.history if item.get("role") == "assistant" and not item.get("is_demo")]
        for at, item in enumerate(self.history):
            made = self.prompts.message(item)
            if made is None:
                continue
            agent = str(item.get("agent") or "")
            place = f"{self.place}history[{at}]"
            if made.role == "assistant" and not item.get("is_demo"):
                mine = [n for n, one in enumerate(agents) if one == agent]
                shown = self._shown(said, mine, observed.get(agent, []))
                self._step(item, made, shown, place, item is answers[-1])
            elif made.role in ("user", "tool") and not item.get("is_demo"):
                observed.setdefault(agent, []).append(len(said))
                self._observed(made, place)
            said.append(made)
            agents.append(agent)
        for taken in self.done[self.at :]:
            if _query(taken):
                self._repeat(taken, (), f"{self.place}trajectory[{self.done.index(taken)}]")

    def _shown(self, said: list[Message], mine: list[int], observed: list[int]) -> tuple[Message, ...]:
        """The prompt of an answer: what this agent was told and wrote before, as its history processor left it."""
        if self.asked:
            return ()
        old = set(self.collapse.old(observed)) if self.collapse else set()
        if not old:
            return tuple(said) if len(mine) == len(said) else tuple(said[n] for n in mine)
        if COLLAPSED not in self.trace.notes:
            self.trace.notes.append(COLLAPSED)
        return tuple(self._collapsed(said[n]) if n in old else said[n] for n in mine)

    def _step(self, item: Mapping[str, Any], made: Message, shown: tuple[Message, ...], place: str, last: bool) -> None:
        """An answer, after the ones that the agent sent back at once because they could not be used."""
        at = self._taken(item)
        for taken in self.done[self.at : at]:
            self._repeat(taken, shown, place)
        taken = self.done[at] if at < len(self.done) else {}
        retried = at - self.at
        self.at = min(at + 1, len(self.done))
        if self._own_words(made, taken, last):
            return
        step = self._add(self._prompt(taken, shown), made, place)
        step.agent = str(item.get("agent") or "") if self.several else ""
        step.reasoning = str(taken.get("reasoning_content") or "")
        if retried:
            step.attempt, step.retry = retried + 1, "repair"
        self._ask(item, made, taken)

    def _add(self, prompt: tuple[Message, ...], answer: Message, place: str) -> Step:
        step = Step(Request(prompt), answer, self.model, where=place)
        step.finish = "tool_calls" if answer.tool_calls else "stop"
        if self.number > 1:
            step.attempt, step.retry = self.number, "restart"
        self.trace.steps.append(step)
        return step

    def _taken(self, item: Mapping[str, Any]) -> int:
        """Where the trajectory has the step of an answer. What it has before is in no history: answers of no use."""
        said = item.get("content")
        for at in range(self.at, len(self.done)):
            if self.done[at].get("response") == said and self.done[at].get("action") == item.get("action"):
                return at
        return self.at

    def _repeat(self, taken: Mapping[str, Any], shown: tuple[Message, ...], place: str) -> None:
        """A call whose answer could not be used: it stands in the trajectory alone."""
        prompt = self._prompt(taken, shown)
        if not prompt or (self.asked and not _query(taken)):
            return
        if not self.asked and REPEATED not in self.trace.notes:
            self.trace.notes.append(REPEATED)
        self._add(prompt, self.prompts.shared(Message("assistant", (Text(str(taken.get("response") or "")),))), place)

    def _own_words(self, made: Message, taken: Mapping[str, Any], last: bool) -> bool:
        """Whether an answer is the harness's, which says why it gave up, and no model's."""
        if self.asked:
            return not _query(taken)
        gave_up = self.exit.startswith("exit_") or "(exit_" in self.exit
        return last and gave_up and not made.tool_calls and (not made.text or made.text.startswith("Exit"))

    def _prompt(self, taken: Mapping[str, Any], shown: tuple[Message, ...]) -> tuple[Message, ...]:
        """The very prompt where the trajectory has it."""
        query = _query(taken)
        return self.prompts.prompt(query) if query else shown

    def _ask(self, item: Mapping[str, Any], made: Message, taken: Mapping[str, Any]) -> None:
        """The action of a step; the message that carries its result comes with the next observation."""
        step = len(self.trace.steps) - 1
        action = str(item.get("action") or taken.get("action") or "").strip()
        calls = made.tool_calls
        if not calls and action:
            calls = (ToolCall(f"action-{step}", action.split(None, 1)[0], {"command": action}),)
        result = taken.get("observation")
        for call in calls:
            use = ToolUse(call, step, where=self.trace.steps[-1].where, seconds=quantity(taken.get("execution_time")))
            if isinstance(result, str):
                use.result = result
                use.failed, use.error = observed_failure(result)
            self.trace.tools.append(use)

    def _observed(self, made: Message, place: str) -> None:
        """The message that carried the result of the last action."""
        step = len(self.trace.steps) - 1
        for use in reversed(self.trace.tools):
            if use.step != step or step < self.first:
                return
            if use.message is None and made.tool_call_id in ("", use.call.id):
                use.message, use.where = made, place
                if use.result is None:
                    use.result = made.text
                    use.failed, use.error = observed_failure(made.text)
                return

    def _collapsed(self, made: Message) -> Message:
        """What stands for an older observation."""
        text = f"Old environment output: ({len(made.text.splitlines())} lines omitted)"
        pictures = sum(isinstance(part, Image) for part in made.parts)
        text += f" ({pictures} images omitted)" if pictures else ""
        return self.prompts.shared(replace(made, parts=(Text(text),)))

    def _processors(self, config: Mapping[str, Any]) -> Collapse | None:
        """How the configuration says that older observations are collapsed; what is not applied is noted."""
        agent = config.get("agent")
        found, collapse = [dig(agent, "history_processor"), *_list(agent, "history_processors")], None
        for processor in found:
            kind, keep = dig(processor, "type"), number(processor, "n")
            if kind == "last_n_observations" and keep:
                collapse = Collapse(keep, number(processor, "polling") or 1)
            elif isinstance(kind, str) and kind.isidentifier() and kind not in AS_THEY_ARE:
                self.trace.notes.append(UNDONE.format(kind))
        return collapse


def observed_failure(text: str) -> tuple[bool | None, str]:
    """Whether a command's output plainly says that it failed, and of what kind; None where it does not say."""
    last = text.rfind("Traceback (most recent call last)")
    if last >= 0:
        raised = next((line for line in text[last:].splitlines()[1:] if line.strip() and line[0] not in " \t"), "")
        kind = raised.partition(":")[0]
        ends = text.rstrip().endswith(raised.rstrip()) or text.lstrip().startswith("Traceback")
        if ends and re.fullmatch(r"[\w.]+", kind):
            return True, kind[:80]
    if text.startswith(REJECTED):
        code = re.search(r"\b[A-Z]\d{3} (\w+)", text[:SHORT])
        return True, f"edit rejected: {code[1]}" if code else "edit rejected"
    told = failure(text)
    found = SAYS.search(text) if told[0] is None and len(text) <= SHORT else None
    if found is None:
        return told
    return True, found["what"] or (f"exit {found['code']}" if found["code"] else "timed out")


def _message(item: Any) -> Message | None:
    made = message(item)
    if made is not None and made.role == "tool" and not made.tool_call_id:
        ids = item.get("tool_call_ids")
        made = replace(made, tool_call_id=str(ids[0])) if isinstance(ids, list) and ids else made
    return made


def _query(taken: Mapping[str, Any]) -> list[Any]:
    """The prompt of a step as it was sent; empty where it is not told."""
    query = _list(taken, "query")
    return query if query and isinstance(query[0], dict) and "role" in query[0] else []


def _totals(trace: Trace, info: Mapping[str, Any]) -> None:
    stats = dig(info, "model_stats")
    sent, received = number(stats, "tokens_sent"), number(stats, "tokens_received")
    trace.totals = Totals(calls=number(stats, "api_calls") or None)
    if sent or received:
        trace.totals.usage = Usage(input=sent or 0, output=received or 0)
    elif sent is not None:
        trace.notes.append(REPLAYED)
    cost = quantity(dig(stats, "instance_cost"))
    if cost:
        trace.totals.cost = Money(Decimal(repr(cost)))


def _labels(info: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, str]:
    found = {"exit_status": info.get("exit_status"), "environment": data.get("environment")}
    return {key: value for key, value in found.items() if isinstance(value, str) and value}


def _reward(info: Mapping[str, Any]) -> float | None:
    found = (rewarded(info.get(key)) for key in ("resolved", "score", "reward"))
    return next((one for one in found if one is not None), None)


def _list(data: Any, key: str) -> list[Any]:
    value = dig(data, key)
    return value if isinstance(value, list) else []
