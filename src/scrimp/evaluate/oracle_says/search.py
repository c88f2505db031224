"""What an oracle says to the prompts of planners that search or mind their budget.

Asked for samples of the next step, it writes its own next step (with its slip where it errs, as everywhere) in most of
them; DIVERSITY of them depart from it: to the other form of that step, right or slipped, or to a call that helps
nobody. That share is an assumption, the same for every search.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from scrimp.evaluate.oracle_evidence import MISSING
from scrimp.evaluate.oracle_rules import CANNOT, Mind, Reply, answer, chance, react, rule

DIVERSITY = 0.3
"""Share of samples that are not the oracle's own next step."""
DECOYS = 0.3
"""Share of those that are calls that help nobody."""
GOOD, BAD = 9, 2
"""What it scores a candidate that it would take itself, and any other; an erring one the other way round."""
FINISH = "final_answer"

Call = tuple[str, Mapping[str, Any]]

rule("search-conclude", "bats-conclude")(answer)
rule("bats-tracker")(react)


@rule("bats")
def planned(mind: Mind) -> Reply:
    """As ReAct, with the checklist before each call: one item for each step that can be foreseen."""
    said = react(mind)
    if not said.calls:
        return said
    steps = mind.sight.gold.steps[: mind.sight.gold.foreseen or None]
    status = ["done" if mind.value(place) is not MISSING else "pending" for place in range(len(steps))]
    lines = [
        f"{place} [{stands}] {step.tool}" for place, (step, stands) in enumerate(zip(steps, status, strict=True), 1)
    ]
    return Reply("\n".join([said.text, "Explore:", *lines]), said.calls)


@rule("bats-verify")
def verified(mind: Mind) -> Reply:
    """It accepts what it would answer itself by now, and gives up all else.

    So an error that all its draws share is never found; one that they do not share may be.
    """
    last = next(message for message in reversed(mind.sight.request.messages) if message.role == "assistant")
    would = answer(mind).text
    right = would != CANNOT and last.text.strip().endswith(would)
    status = "satisfied" if right else "contradicted"
    rows = [{"constraint": f"the result of {step.tool}", "status": status} for step in mind.sight.gold.steps[:8]]
    said = {"constraints": rows, "decision": "accept" if right else "pivot", "summary": mind.thought}
    return Reply(json.dumps(said))


@rule("next-steps")
def next_steps(mind: Mind) -> Reply:
    """Samples of the next step, each with the tools that it takes to follow."""
    here = _step(mind)
    others, then = _others(mind, here), _left(mind, here)
    asked = (mind.sight.request.schema or {}).get("properties", {}).get("steps", {}).get("maxItems") or 10
    made = len(mind.sight.seen)
    samples = []
    for number in range(asked):
        key = f"{mind.habits.seed}|{mind.sight.task.id}|{made}|{number}"
        other = chance("which", key) < DECOYS
        call = here if chance("sample", key) >= DIVERSITY or not others else others[-1 if other else 0]
        left = [] if call[0] == FINISH else then
        samples.append({"tool": call[0], "arguments": dict(call[1]), "then": left})
    return Reply(json.dumps({"steps": samples}, ensure_ascii=False))


@rule("score")
def score(mind: Mind) -> Reply:
    """GOOD for what it would do or say itself at this point, BAD for all else."""
    here = _step(mind)
    wanted = {_key(*call) for call in [here, *_ready(mind)]} | {_squeezed(str(here[1].get("answer", "")))}
    found = []
    for text in re.findall(r"^\d+\. (.*)$", mind.sight.request.messages[-1].text, re.MULTILINE):
        right = _squeezed(text) in wanted
        wrong = chance("score", f"{mind.habits.seed}|{mind.sight.task.id}|{text}") < mind.habits.error
        found.append(GOOD if right is not wrong else BAD)
    return Reply(json.dumps({"scores": found}))


def _ready(mind: Mind) -> list[Call]:
    """Calls that could be made next and were not made yet."""
    return [] if mind.direct or mind.final is not None else [(c.name, c.arguments) for c in mind.ready() if not c.made]


def _step(mind: Mind) -> Call:
    """What it does next: a call, or the end with what it would answer."""
    calls = _ready(mind)
    if calls:
        return calls[0]
    if mind.sight.task.answer_with == "calls" and not mind.direct:
        return FINISH, {"answer": "done"}
    said = react(mind)
    if said.calls and said.calls[0] not in [(seen.name, seen.arguments) for seen in mind.sight.seen]:
        return said.calls[0]
    return FINISH, {"answer": answer(mind).text}


def _others(mind: Mind, here: Call) -> list[Call]:
    """The other form of that step, right or slipped, and a call that helps nobody."""
    found: list[Call] = []
    for place, step in enumerate(mind.sight.gold.steps):
        forms = [mind.call_of(place, slipped=slipped, known=mind.value) for slipped in (False, True)]
        if step.tool == here[0] and here[1] in forms:
            other = forms[1 - forms.index(here[1])]
            found = [] if other == here[1] or MISSING in other.values() else [(here[0], other)]
            break
    return found + ([mind.decoy] if mind.decoy is not None and mind.decoy[0] != FINISH else [])


def _left(mind: Mind, here: Call) -> list[str]:
    """The tools still to be called after this step, as far as they can be foreseen, and the end."""
    gold = mind.sight.gold
    if mind.direct or here[0] == FINISH:
        return [] if here[0] == FINISH else [FINISH]
    if gold.ordered:
        rest = gold.steps[mind.taken + 1 : gold.foreseen or None]
    else:
        rest = tuple(step for place, step in enumerate(gold.steps) if mind.value(place) is MISSING)[1:]
    return [*(step.tool for step in rest), FINISH]


def _key(name: str, arguments: Mapping[str, Any]) -> str:
    return _squeezed(f"{name}({json.dumps(arguments, ensure_ascii=False)})")


def _squeezed(text: str) -> str:
    return " ".join(text.split())
