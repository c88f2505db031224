"""Methods that learn before they are used: rows of a benchmark, and the System that names what came of the training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scrimp.core.budget import Budget, LocalAccount
from scrimp.core.context import Context, Run
from scrimp.core.context.passage import Place
from scrimp.core.errors import InputError
from scrimp.core.events import ListSink, ulid
from scrimp.core.ledger import Ledger
from scrimp.core.protocols import Artifact, Dataset
from scrimp.core.registry import Card, create
from scrimp.core.system import System
from scrimp.evaluate.benchmarks.catalog import Opened
from scrimp.outfit import Outfit, Parts

SPLIT = "dev"
"""Where rows come from; what is measured afterwards is the default split, and no text of it is among the rows."""


def learns(card: Card) -> bool:
    """Whether a System can name the method only with what its own training left behind."""
    return card.family != "trainer" and "Trainer" in card.provides


def rows(benchmark: Opened, split: str = SPLIT) -> Dataset:
    """The tasks of a split with what is right: `query`, the names of the `tools` of the gold way, `answers`.

    Left out are those whose very text is in the default split as well.

    Raises:
        InputError: the benchmark has no such split.
    """
    if split not in benchmark.splits:
        raise InputError(f"{benchmark.name} has no split {split!r} to train on", remedy=", ".join(benchmark.splits))
    measured = {task.text for task in benchmark.tasks(benchmark.default_split)}
    found: list[Mapping[str, Any]] = []
    for task in benchmark.tasks(split):
        if task.text in measured:
            continue
        gold = benchmark.gold(task.id)
        tools = list(dict.fromkeys(step.tool for step in gold.steps)) if gold.needs_call else []
        found.append({"query": task.text, "tools": tools, "answers": [str(part) for part in gold.answer]})
    return Dataset(tuple(found), f"{benchmark.name} {benchmark.version}, {split}")


async def taught(
    system: System, family: str, data: Dataset, place: Path | str, parts: Parts | None = None
) -> tuple[System, Artifact, Ledger]:
    """Train the method that a System names in a family.

    Args:
        system: its models and its embedder are those that the training uses.
        data: rows as the method's `train` wants them.
        place: the file that it writes.
        parts: what takes the place of what the System names, an oracle say.

    Returns:
        The System that names the file and its hash, the Artifact, and what the training cost.

    Raises:
        InputError: the System names no method there, or its rows or its parameters are not fit for it.
    """
    part = system.part(family)
    if part is None:
        raise InputError(f"this System names no {family} to train", remedy=f'{family} = "NAME"')
    outfit, run = Outfit(system, parts or Parts()), Run(ulid(), ListSink())
    try:
        ctx = Context(await outfit.means((), run.seed), run, Place(LocalAccount(Budget())))
        trainer = create(family, part.name, {**part.parameters, "artifact": str(place)})
        artifact = await trainer.train(data, ctx.child("tools"))
    finally:
        await outfit.aclose()
    named = {**part.to_json(), "artifact": artifact.path, "hash": artifact.hash}
    return system.with_(**{family: named}), artifact, Ledger.of(run.events)
