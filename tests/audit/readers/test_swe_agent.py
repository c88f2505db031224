"""SWE-agent trajectories, old and new: what the model was sent, what it did, and what the record states of the bill."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from trace_fixtures import document

from scrimp.audit.readers.swe_agent import COLLAPSED, REPEATED, REPLAYED, UNDONE, observed_failure
from scrimp.audit.reading import read
from scrimp.audit.trace import Trace
from scrimp.core.errors import InputError
from scrimp.core.usage import Usage


def item(role: str, content: str, **rest: Any) -> Any:
    kind = {"assistant": "action", "system": "system_prompt"}.get(role, "observation")
    return {"role": role, "content": content, "agent": "main", "message_type": kind, **rest}


def acted(at: int) -> Any:
    call = {"id": f"c{at}", "type": "function", "function": {"name": "bash", "arguments": f'{{"command": "ls {at}"}}'}}
    return item("assistant", f"Look {at}.", action=f"ls {at}", tool_calls=[call])


def saw(at: int, **rest: Any) -> Any:
    return item("tool", f"one\ntwo\n{at}", tool_call_ids=[f"c{at}"], **rest)


def taken(at: int, **rest: Any) -> Any:
    return {"action": f"ls {at}", "response": f"Look {at}.", "observation": f"{at}", "execution_time": 0.5, **rest}


def run(folder: Path, **fields: Any) -> Trace:
    given = {"environment": "main", "info": {"exit_status": "submitted"}, "history": [], "trajectory": [], **fields}
    (trace,) = read(document(folder / "repo__bug-1.traj", given), "swe-agent")
    return trace


def talk(steps: int) -> list[Any]:
    return [
        item("system", "You fix."),
        item("user", "The bug."),
        *(m for at in range(steps) for m in (acted(at), saw(at))),
    ]


def config(*processors: Any, model: str = "claude-sonnet-4-20250514") -> Any:
    return {"agent": {"model": {"name": model}, "history_processors": list(processors)}}


def test_function_calling_with_a_configuration(tmp_path: Path) -> None:
    trace = run(tmp_path, history=talk(2), trajectory=[taken(0), taken(1)], replay_config=config(),
                info={"exit_status": "submitted", "model_stats": {"instance_cost": 0, "tokens_sent": 0,
                                                                  "tokens_received": 0, "api_calls": 0}})  # fmt: skip
    assert [step.model for step in trace.steps] == ["anthropic:claude-sonnet-4-20250514"] * 2
    assert [len(step.request.messages) for step in trace.steps] == [2, 4]
    assert [(use.call.id, use.seconds, use.message and use.message.text) for use in trace.tools] == [
        ("c0", 0.5, "one\ntwo\n0"), ("c1", 0.5, "one\ntwo\n1")]  # fmt: skip
    assert (trace.totals.usage, trace.totals.cost, trace.totals.calls) == (None, None, None)
    assert trace.notes == [REPLAYED]
    assert not trace.tools_told
    assert (trace.reward, trace.labels["exit_status"]) == (None, "submitted")


def shown(trace: Trace, step: int) -> list[str]:
    return [message.text for message in trace.steps[step].request.messages if message.role in ("user", "tool")]


def test_older_observations_are_collapsed_as_the_configuration_says(tmp_path: Path) -> None:
    trace = run(tmp_path, history=talk(4), replay_config=config({"type": "last_n_observations", "n": 1}))
    old = "Old environment output: (3 lines omitted)"
    assert shown(trace, 2) == ["The bug.", old, "one\ntwo\n1"]  # the first holds the task and stays
    assert shown(trace, 3) == ["The bug.", old, old, "one\ntwo\n2"]
    assert trace.steps[2].request.messages[3] is trace.steps[3].request.messages[3]
    assert trace.notes == [COLLAPSED]


def test_collapsing_in_hops_keeps_the_cache(tmp_path: Path) -> None:
    trace = run(tmp_path, history=talk(5), replay_config=config({"type": "last_n_observations", "n": 1, "polling": 3}))
    collapsed = [sum(text.startswith("Old") for text in shown(trace, at)) for at in range(5)]
    assert collapsed == [0, 0, 1, 1, 1]


def test_a_processor_that_is_not_applied_is_told(tmp_path: Path) -> None:
    trace = run(tmp_path, history=talk(1), replay_config=config({"type": "closed_window"}, {"type": "cache_control"}))
    assert trace.notes == [UNDONE.format("closed_window")]


def test_recorded_prompts_win_and_repeated_answers_are_repairs(tmp_path: Path) -> None:
    history = talk(2)
    cached = [{"type": "text", "text": "The bug.", "cache_control": {"type": "ephemeral"}}]
    first = [history[0], {**history[1], "content": cached}]
    again = [*first, item("assistant", "No call."), item("user", "Call one function.")]
    trace = run(
        tmp_path, history=[*history, item("assistant", "Exit due to cost limit")], replay_config=config(),
        trajectory=[
            {"response": "No call.", "action": "", "observation": "", "query": first},
            taken(0, query=again, reasoning_content="Hm."),
            taken(1, query=history[:4]),
            {"response": "Exit due to cost limit", "action": "", "observation": "", "query": [{}]},
        ],
    )  # fmt: skip
    assert [(len(s.request.messages), s.attempt, s.retry) for s in trace.steps] == [
        (2, 1, ""),
        (4, 2, "repair"),
        (4, 1, ""),
    ]
    assert [step.answer.text for step in trace.steps] == ["No call.", "Look 0.", "Look 1."]
    assert trace.steps[1].request.messages[2] is trace.steps[0].answer
    assert trace.steps[2].request.messages[2] is trace.steps[1].answer
    assert trace.steps[2].request.messages[:2] == trace.steps[0].request.messages
    assert trace.steps[1].reasoning == "Hm."
    assert trace.tools[0].message is trace.steps[2].request.messages[3]


def test_repeated_answers_without_their_prompts(tmp_path: Path) -> None:
    trace = run(tmp_path, history=talk(2), trajectory=[
        taken(0), {"response": "No call.", "action": "", "observation": ""}, taken(1)])  # fmt: skip
    assert [(step.answer.text, step.retry) for step in trace.steps] == [
        ("Look 0.", ""),
        ("No call.", ""),
        ("Look 1.", "repair"),
    ]
    assert [use.step for use in trace.tools] == [0, 2]
    assert trace.notes == [REPEATED]


def test_words_of_the_harness_are_no_call(tmp_path: Path) -> None:
    end = item("assistant", "Exit due to cost limit", action="exit_cost")
    trace = run(tmp_path, history=[*talk(1), end], info={"exit_status": "submitted (exit_cost)"})
    assert [step.answer.text for step in trace.steps] == ["Look 0."]


def test_several_attempts_are_one_run_that_was_restarted(tmp_path: Path) -> None:
    attempt = {"history": talk(2), "trajectory": [taken(0), taken(1)], "replay_config": config(model="gpt-4o")}
    stats = {"instance_cost": 0.5, "tokens_sent": 100, "tokens_received": 8, "api_calls": 4}
    trace = run(tmp_path, attempts=[attempt, attempt], **attempt, info={"model_stats": stats})
    assert [(step.attempt, step.retry) for step in trace.steps] == [(1, ""), (1, ""), (2, "restart"), (2, "restart")]
    assert trace.steps[2].where == "attempts[1], history[2]"
    assert trace.totals.usage == Usage(input=100, output=8)
    assert [use.step for use in trace.tools] == [0, 1, 2, 3]


def test_agents_see_their_own_history(tmp_path: Path) -> None:
    other = [item("user", "Review it.", agent="reviewer"), item("assistant", "Good.", agent="reviewer")]
    trace = run(tmp_path, history=[*talk(1), *other, acted(1)])
    assert [step.agent for step in trace.steps] == ["main", "reviewer", "main"]
    assert [len(step.request.messages) for step in trace.steps] == [2, 1, 4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Traceback (most recent call last):\n  File \"x\"\nValueError: 3\n", (True, "ValueError")),
        ("ran\nTraceback (most recent call last):\n  File \"x\"\npkg.errors.Broken: no", (True, "pkg.errors.Broken")),
        ("1: Traceback (most recent call last)\nis what the issue says\n" + "x\n" * 400, (None, "")),
        ("bash: foo: command not found", (True, "command not found")),
        ("cat: a: No such file or directory\n", (True, "No such file or directory")),
        ("Process finished with exit code 2", (True, "exit 2")),
        ("exit code: 0", (None, "")),
        ("EXECUTION TIMED OUT", (True, "timed out")),
        ("Your proposed edit has introduced new syntax error(s).\nERRORS:\n- E999 SyntaxError: x\n" + "y\n" * 999,
         (True, "edit rejected: SyntaxError")),
        ("a file that says: timed out, command not found\n" * 20, (None, "")),
        ("", (None, "")),
    ],
)  # fmt: skip
def test_failures_that_are_plainly_said(text: str, said: tuple[bool | None, str]) -> None:
    assert observed_failure(text) == said


@pytest.mark.parametrize("history", [[], [item("user", "The bug.")]])
def test_a_file_without_answers_is_one_line(history: list[Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a trajectory without"):
        run(tmp_path, history=history)


@pytest.mark.skipif("SCRIMP_DATA" not in os.environ, reason="SCRIMP_DATA is not set")
def test_an_edit_that_was_rejected_three_times() -> None:
    path = Path(os.environ["SCRIMP_DATA"]) / "agent_traces" / "sweagent_gpt4_pydicom-1458.traj.gz"
    (trace,) = read(path)
    failed = [(use.step, use.error) for use in trace.tools if use.failed]
    assert failed == [(2, "AttributeError"), *((at, "edit rejected: SyntaxError") for at in (5, 6, 7))]
