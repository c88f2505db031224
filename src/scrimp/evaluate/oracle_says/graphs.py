"""What an oracle says to the prompts of planners that plan calls as a graph, and of those that think in words.

Plans are the same steps, with the same slips, as in any other notation; a sentence of a plan and a thought before an
answer are as long as the thought before a call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scrimp.evaluate.oracle_evidence import MISSING
from scrimp.evaluate.oracle_rules import CANNOT, Mind, Reply, answer, planned, react, rule

Call = tuple[str, Mapping[str, Any]]

rule("rewoo-solve", "llmcompiler-last", "btp-conclude")(answer)
rule("btp")(react)


@rule("chain-of-thought", "plan-and-solve-conclude")
def thought_out(mind: Mind) -> Reply:
    """A thought, and below it the answer."""
    return Reply(f"{mind.thought}\nAnswer: {answer(mind).text}")


@rule("plan-and-solve")
def plan_and_solve(mind: Mind) -> Reply:
    """As ReAct; the plan in words stands before the first call, the answer on a line of its own."""
    said = react(mind)
    if not said.calls:
        return Reply(f"Answer: {said.text}")
    if mind.sight.seen:
        return said
    lines = [f"{number}. {name}" for number, (name, _) in enumerate(planned(mind, "the result of step {}"), 1)]
    return Reply("\n".join([said.text, "Plan:", *lines]), said.calls)


@rule("rewoo-plan")
def rewoo_plan(mind: Mind) -> Reply:
    """A sentence and a variable per step."""
    steps = planned(mind, "#E{}")
    lines = [
        f"Plan: {mind.thought}\n#E{number} = {name}[{_json(arguments)}]"
        for number, (name, arguments) in enumerate(steps, 1)
    ]
    return Reply("\n".join(lines) or "Plan: no tool is needed.")


@rule("llmcompiler-plan", "llmcompiler-go-on")
def llmcompiler_plan(mind: Mind) -> Reply:
    """A line per call; once results are there, the calls that are still missing, counted on."""
    last = max((seen.number for seen in mind.sight.seen), default=0)
    steps = _missing(mind, last + 1) if last else planned(mind, "${}")
    lines = [f"{number}. {name}({_json(arguments)})" for number, (name, arguments) in enumerate(steps, last + 1)]
    return Reply("\n".join([*lines, f"{last + len(steps) + 1}. join()"]))


def _missing(mind: Mind, first: int) -> list[Call]:
    """The steps whose results do not show, with those that do written out; of an ordered way the next."""
    if mind.sight.gold.ordered:
        return [(call.name, call.arguments) for call in mind.ready()]
    numbers: dict[int, int] = {}

    def known(place: int) -> Any:
        value = mind.value(place)
        return f"${numbers[place]}" if value is MISSING else value

    steps: list[Call] = []
    for place, step in enumerate(mind.sight.gold.steps):
        name = mind.name_of(step)
        if name is None or mind.direct:
            break
        if mind.value(place) is MISSING:
            numbers[place] = first + len(steps)
            steps.append((name, mind.call_of(place, slipped=mind.errs(place), known=known)))
    return steps


@rule("llmcompiler-join")
def llmcompiler_join(mind: Mind) -> Reply:
    """The answer where the results make it; else it asks for more: no tool is shown to a joiner."""
    said = answer(mind).text
    decision = "Replan(results are missing)" if said == CANNOT else f"Finish({said})"
    return Reply(f"Thought: {mind.thought}\n{decision}")


def _json(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False)
