"""The confidence gate on the knowledge-boundary set, beside never calling and always calling.

    python benchmarks/confidence_gate.py [--model M] [--n QUESTIONS]

Utility u = right - alpha * used, as in the paper (arXiv 2503.06708). An oracle answers unless told otherwise: structure
only (EVIDENCE rule 6). The dev part is measured, the test part calibrates.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import numpy as np

from scrimp.core.protocols import Dataset, Question
from scrimp.core.registry import create
from scrimp.core.task import Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.oracle import Oracle
from scrimp.journal.home import home
from scrimp.testing import Bench

ALPHAS = (0.0, 0.2, 0.4, 0.6)
FORMS = ("consistency", "verbalised")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="oracle?error=0.1", help="who answers")
    parser.add_argument("--n", type=int, default=400, help="questions")
    given = parser.parse_args()
    anyio.run(gate, given.model, given.n)
    return 0


class _Needy:
    """The boundary set as seen by a model that calls a tool for everything: to its oracle no answer is direct."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.name, self.version = inner.name, inner.version
        self.splits, self.default_split, self.tasks = inner.splits, inner.default_split, inner.tasks

    def gold(self, task_id: str) -> Any:
        return replace(self._inner.gold(task_id), direct="")


async def gate(model: str, n: int) -> None:
    """Never calling, always calling, and the gate in its forms at several alphas."""
    boundary = open_benchmark("boundary")
    tasks = list(boundary.tasks("dev"))[:n]
    calling, knowing = await opened(model, _Needy(boundary)), await opened(model, boundary)
    always = np.array([await answered(task, boundary, calling, task.tools) for task in tasks])
    never = np.array([await answered(task, boundary, knowing, ()) for task in tasks])
    print(f"{len(tasks)} questions of the dev part, model {model}; calibrated on as many of the test part\n")
    print("| way | alpha | right | calls | right, against always [95 %] | fewer calls [95 %] | utility | never, always "
          "| tokens of the gate |")  # fmt: skip
    print("| --- " + "| ---: " * 8 + "|")
    print(f"| never | | {never[:, 0].mean():.3f} | 0 | | | | | 0 |")
    print(f"| always | | {always[:, 0].mean():.3f} | {always[:, 1].mean():.3f} | | | | | 0 |")
    data = learn_rows(boundary, n)
    with TemporaryDirectory() as folder:
        for form in FORMS:
            part: dict[str, Any] = {"form": form, "artifact": f"{folder}/{form}.npz"}
            taught = await create("gate", "confidence-gate", part).train(data, Bench(knowing).ctx.child("tools"))
            for alpha in ALPHAS:
                one = Bench(knowing)
                calls = await decided(tasks, one, {**part, "alpha": alpha, "hash": taught.hash})
                mixed = np.where(calls[:, None], always, never)
                spent = one.ledger.total.tokens.total / len(tasks)
                print(f"| gate, {form} | {alpha} | {mixed[:, 0].mean():.3f} | {mixed[:, 1].mean():.3f} | "
                      f"{difference(mixed[:, 0], always[:, 0])} | {share(mixed[:, 1], always[:, 1])} | "
                      f"{utility(mixed, alpha):.3f} | {utility(never, alpha):.3f}, {utility(always, alpha):.3f} | "
                      f"{spent:,.0f} |", flush=True)  # fmt: skip


async def decided(tasks: Sequence[Task], one: Bench, part: dict[str, Any]) -> Any:
    """Whether the gate calls, for each task."""
    gates = create("gate", "confidence-gate", part)
    return np.array([(await gates.decide(Question(task.text, task.tools), one.ctx)).call for task in tasks])


def learn_rows(boundary: Any, n: int) -> Dataset:
    """Rows of the test part, to calibrate on: here the dev part is what is measured."""
    tasks = list(boundary.tasks("test"))[:n]
    return Dataset(tuple({"query": t.text, "answers": [str(a) for a in boundary.gold(t.id).answer]} for t in tasks))


async def opened(model: str, benchmark: Any) -> Any:
    if model.startswith("oracle"):
        return Oracle.parse(model, benchmark)
    from scrimp.models.names import open_model

    return await open_model(model, home=home())


async def answered(task: Task, boundary: Any, model: Any, tools: Sequence[Tool]) -> tuple[float, float]:
    """Whether the answer of a ReAct agent is right, and whether it used a tool."""
    one = Bench(model, tools=tools)
    answer = await create("planner", "react").solve(replace(task, tools=tuple(tools)), one.ctx)
    score = await boundary.score(task, answer)
    return float(score.success), float(any(event.kind == "tool" for event in one.events))


def utility(pairs: Any, alpha: float) -> float:
    return float(pairs[:, 0].mean() - alpha * pairs[:, 1].mean())


def difference(ours: Any, theirs: Any) -> str:
    """In points, paired by question."""
    low, high = np.quantile((ours - theirs)[drawn(len(ours))].mean(1), [0.025, 0.975]) * 100
    return f"{100 * (ours - theirs).mean():+.1f} [{low:+.1f}, {high:+.1f}]"


def share(ours: Any, theirs: Any) -> str:
    """How much less than theirs, in percent, paired by question."""
    picks = drawn(len(ours))
    low, high = np.quantile(1 - ours[picks].mean(1) / theirs[picks].mean(1), [0.025, 0.975]) * 100
    return f"{100 * (1 - ours.mean() / theirs.mean()):.0f} % [{low:.0f}, {high:.0f}]"


def drawn(n: int) -> Any:
    """Questions of 2,000 bootstrap samples."""
    return np.random.default_rng(0).integers(0, n, (2000, n))


if __name__ == "__main__":
    raise SystemExit(main())
