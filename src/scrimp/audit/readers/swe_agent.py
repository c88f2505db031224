"""SWE-agent trajectories (`.traj`): the history that the model saw, and what it did, with the sums of the bill.

Both forms are read: the older one, where an action stands in the text, and that of version 1, with tool calls. The sums
of a replay are zeros: they are unknown, not nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from scrimp.audit.calls import failure
from scrimp.audit.names import model_name
from scrimp.audit.reading import Head, Source
from scrimp.audit.trace import Step, ToolUse, Totals, Trace
from scrimp.audit.wire_openai import message, number
from scrimp.core.errors import InputError
from scrimp.core.messages import Message, Request, ToolCall
from scrimp.core.money import Money
from scrimp.core.usage import Usage
from scrimp.memory.parts.rewriting import with_text

NAME = "swe-agent"
REPLAYED = "a replay: its recorded zeros are unknown, and its tokens are estimated from the text"
COLLAPSED = "older observations were collapsed as the configuration says, as the model was sent them"


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
    history = data.get("history") if isinstance(data, Mapping) else None
    if not isinstance(history, list) or not history:
        raise InputError("a trajectory without its history")
    config = _config(data)
    given = data.get("info")
    info: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    trace = Trace(
        _name(source, data), NAME, str(source.path), task=_name(source, data), labels=_labels(info, data),
        reward=_reward(info), tools_told=not any(isinstance(one, Mapping) and one.get("tool_calls") for one in history),
    )  # fmt: skip
    _totals(trace, info)
    model = model_name(str(_dig(config, "agent", "model", "name") or info.get("model") or ""))
    _steps(trace, history, data.get("trajectory"), model, _keep(config))
    if not trace.steps:
        raise InputError("a trajectory without an answer of a model")
    yield trace


def _steps(trace: Trace, history: list[Any], trajectory: Any, model: str, keep: int | None) -> None:
    """Every answer of the model as a step, every observation as the result of its action."""
    done = trajectory if isinstance(trajectory, list) else []
    said: list[Message] = []
    observed: list[int] = []
    cleared: dict[int, Message] = {}
    for at, item in enumerate(history):
        made = _message(item)
        if made is None:
            continue
        place = f"history[{at}]"
        if made.role == "assistant" and not item.get("is_demo"):
            shown = said
            if keep is not None and len(observed) > keep:
                old = set(observed[1:-keep]) if keep else set(observed[1:])  # the first holds the task
                shown = [cleared.setdefault(n, _collapsed(one)) if n in old else one for n, one in enumerate(said)]
                if COLLAPSED not in trace.notes:
                    trace.notes.append(COLLAPSED)
            trace.steps.append(
                Step(
                    Request(tuple(shown)), made, model, finish="tool_calls" if made.tool_calls else "stop", where=place
                )
            )
            _ask(trace, item, made, done)
        elif trace.steps and made.role in ("user", "tool"):
            _answer(trace, made, place)
        if made.role in ("user", "tool") and not item.get("is_demo"):
            observed.append(len(said))
        said.append(made)


def _message(item: Any) -> Message | None:
    made = message(item)
    if made is not None and made.role == "tool" and not made.tool_call_id:
        ids = item.get("tool_call_ids")
        made = replace(made, tool_call_id=str(ids[0])) if isinstance(ids, list) and ids else made
    return made


def _ask(trace: Trace, item: Mapping[str, Any], made: Message, done: list[Any]) -> None:
    """The action of a step; its result comes with the next observation."""
    step = len(trace.steps) - 1
    taken = done[step] if step < len(done) and isinstance(done[step], Mapping) else {}
    action = str(item.get("action") or taken.get("action") or "").strip()
    seconds = taken.get("execution_time")
    calls = made.tool_calls
    if not calls and action:
        calls = (ToolCall(f"action-{step}", action.split(None, 1)[0], {"command": action}),)
    for call in calls:
        result = taken.get("observation")
        failed, error = failure(str(result)) if isinstance(result, str) else (None, "")
        trace.tools.append(
            ToolUse(call, step, result if isinstance(result, str) else None, None, failed, error,
                    seconds=float(seconds) if isinstance(seconds, int | float) else None,
                    where=trace.steps[-1].where)
        )  # fmt: skip


def _answer(trace: Trace, made: Message, place: str) -> None:
    """The message that carried the result of the last action."""
    step = len(trace.steps) - 1
    for use in trace.tools:
        if use.step == step and use.message is None and made.tool_call_id in ("", use.call.id):
            use.message, use.where = made, place
            if use.result is None:
                use.result = made.text
                use.failed, use.error = failure(made.text)
            return


def _totals(trace: Trace, info: Mapping[str, Any]) -> None:
    given = info.get("model_stats")
    stats: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    sent, received = number(stats, "tokens_sent"), number(stats, "tokens_received")
    trace.totals = Totals(calls=number(stats, "api_calls"))
    if sent or received:
        trace.totals.usage = Usage(input=sent or 0, output=received or 0)
    elif sent is not None:
        trace.notes.append(REPLAYED)
    cost = stats.get("instance_cost")
    if isinstance(cost, int | float) and cost > 0:
        trace.totals.cost = Money(Decimal(repr(cost)))


def _config(data: Mapping[str, Any]) -> Mapping[str, Any]:
    config = data.get("replay_config")
    if isinstance(config, str):
        try:
            config = json.loads(config)
        except ValueError:
            config = None
    return config if isinstance(config, Mapping) else {}


def _dig(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def _keep(config: Mapping[str, Any]) -> int | None:
    """Observations that a history processor leaves whole; None where there is none."""
    agent = config.get("agent")
    found = [_dig(agent, "history_processor")]
    several = _dig(agent, "history_processors")
    found += several if isinstance(several, list) else []
    for processor in found:
        if _dig(processor, "type") == "last_n_observations" and isinstance(_dig(processor, "n"), int):
            return int(_dig(processor, "n"))
    return None


def _collapsed(message: Message) -> Message:
    return with_text(message, f"Old environment output: ({len(message.text.splitlines())} lines omitted)")


def _name(source: Source, data: Mapping[str, Any]) -> str:
    config = _config(data)
    name = _dig(config, "problem_statement", "id") or _dig(config, "agent", "name") or data.get("instance_id")
    return str(name) if name else source.path.name.removesuffix(".gz").removesuffix(".traj")


def _labels(info: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, str]:
    labels = {}
    if isinstance(info.get("exit_status"), str):
        labels["exit_status"] = str(info["exit_status"])
    if isinstance(data.get("environment"), str):
        labels["environment"] = str(data["environment"])
    return labels


def _reward(info: Mapping[str, Any]) -> float | None:
    for key in ("resolved", "score", "reward"):
        value = info.get(key)
        if isinstance(value, bool | int | float) and 0 <= value <= 1:
            return float(value)
    return None
