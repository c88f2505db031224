"""Rows to train on and to measure by, made of a benchmark: its questions, what is right, and what its tools give."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

from scrimp.core.protocols import Dataset
from scrimp.evaluate.benchmarks.boundary import ATTRIBUTES, SUMS, Boundary, guilds, known_facts
from scrimp.evaluate.benchmarks.gold import run_steps

FORM = re.compile(r" Answer with |只")
SAID, FOUND = "answer", "found"
"""What a policy writes to answer from what it knows, and what a tool gives, where the words do not matter."""


def boundary(n: int = 1600, held_out: int = 400, seed: int = 0, words: bool = True) -> Dataset:
    """The knowledge-boundary set: items of its test split to train on, all of its dev split held out.

    A row has `id`, `prompt`, `answer`, `wrong`, `result` (what the call gives), `known`, `price` and `seconds` of a
    call as the set declares them, and `split` (`train` or `held-out`).

    Args:
        words: whether a policy has to say what it knows. Where not, `answer` stands for saying it, which is right
            exactly where the set marks a question as known: the choice to answer or to call is all there is to learn.
    """
    bench = Boundary(seed)
    tools = {one.name: one for one in bench.tools}
    rows: list[dict[str, Any]] = []
    for split, name, most in (("test", "train", n), ("dev", "held-out", held_out)):
        for task in list(bench.tasks(split))[:most]:
            gold = bench.gold(task.id)
            tool = tools[gold.steps[0].tool]
            result = run_steps(gold.steps, tools)[0].text
            rows.append({
                "id": task.id, "prompt": asked(task.text), "split": name, "known": bool(gold.direct),
                "answer": _short(gold.answer[0]), "wrong": _short(gold.wrong), "result": _short(result),
                "price": float(tool.price or 0), "seconds": float(tool.latency or 0),
            })  # fmt: skip
    if not words:
        rows = [{**row, **_choice(row)} for row in rows]
    return Dataset(tuple(rows), f"boundary, seed {seed}")


def _choice(row: Mapping[str, Any]) -> dict[str, str]:
    """Answer, result and wrong answer of a question whose words do not matter."""
    right = SAID if row["known"] else FOUND
    return {"answer": right, "result": right, "wrong": SAID}


def asked(text: str) -> str:
    """A question as a policy sees it: without what is said of the answer's form, which all answers here keep."""
    return f"{FORM.split(text)[0].strip()}\nAnswer:"


def lessons(data: Dataset) -> list[dict[str, Any]]:
    """What a policy is taught first: the rows to train on, every fact marked known, and every small sum there is.

    Facts and sums are asked in the forms of the set, in English and Chinese, so that what is marked known is known
    in the held-out questions too; the held-out questions that need a call are not among them.
    """
    rows = [dict(row) for row in data.rows if row["split"] == "train"]
    words = all(row["answer"] not in (SAID, FOUND) for row in rows)
    for guild, attribute in sorted(known_facts()):
        answer = _short(guilds()[guild][attribute]) if words else SAID
        rows += [{"prompt": asked(form.format(guild)), "answer": answer, "known": True}
                 for form in ATTRIBUTES[attribute][:2]]  # fmt: skip
    rng = random.Random("small sums")
    forms = [*SUMS["en"], *SUMS["zh"]]
    for a, sign, b in small_sums():
        answer = _short({"+": a + b, "-": a - b, "*": a * b}[sign]) if words else SAID
        rows.append({"prompt": asked(rng.choice(forms).format(f"{a} {sign} {b}")), "answer": answer, "known": True})
    return rows


def small_sums() -> list[tuple[int, str, int]]:
    """Every sum that the set draws its small ones from."""
    terms = [(a, sign, b) for sign in "+-" for a in range(11, 30) for b in range(2, 30)]
    return terms + [(a, "*", b) for a in range(2, 10) for b in range(2, 10)]


def _short(value: object) -> str:
    """A number without its empty decimals."""
    text = str(value)
    return text.removesuffix(".0")
