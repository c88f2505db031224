"""`scrimp train`: a method trained as a spec file says, within a budget, going on where a killed one stopped."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio

from scrimp.core.budget import Budget, LocalAccount
from scrimp.core.context import Context, Means, Run
from scrimp.core.context.passage import Place
from scrimp.core.errors import InputError
from scrimp.core.events import ListSink, ulid
from scrimp.core.protocols import Dataset, Trainer
from scrimp.core.registry import create
from scrimp.core.toml import read_toml
from scrimp.journal.home import home
from scrimp.models import prices
from scrimp.models.scripted import ScriptedModel
from scrimp.training import data, warm
from scrimp.training.parts.policy import Policy

TABLES = ("data", "policy", "parameters")
LIMITS = ("seconds", "steps")
"""What the budget of a training may limit: its tokens and dollars are stated, and no door limits them."""

Watch = Callable[[str, int, int], None]
"""Told what is going on, how much of it is done, and of how much."""


def read_spec(path: Path) -> dict[str, dict[str, Any]]:
    """The tables of a spec file: `[data]`, `[policy]` and `[parameters]`, each of which may be missing.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    spec = read_toml(path, "the spec")
    for name, table in spec.items():
        if name not in TABLES or not isinstance(table, Mapping):
            raise InputError(f"{path}: {name} is no table of a training", remedy=f"known: {', '.join(TABLES)}")
    return {name: dict(spec.get(name, {})) for name in TABLES}


def check_budget(budget: Budget | None) -> Budget:
    """The budget, if it limits what a training can keep.

    Raises:
        InputError: it limits something else.
    """
    for key in budget.limits if budget is not None else ():
        if key not in LIMITS:
            raise InputError(f"the budget of a training cannot limit {key}", remedy="--budget steps=100,seconds=600")
    return budget or Budget()


def train(
    method: str,
    spec: Mapping[str, Mapping[str, Any]],
    out: Path,
    budget: Budget | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Train, and say what it took and after how many uses it has paid.

    Args:
        out: folder of everything that is made; the same folder and spec again go on where a killed training stopped.

    Raises:
        InputError: something in the spec is not known, or the budget bears no step.
        MissingExtra: the extra `train` is not installed.
    """
    limits = check_budget(budget)
    out.mkdir(parents=True, exist_ok=True)
    dataset = _rows(spec["data"])
    parameters: dict[str, Any] = dict(spec["parameters"])
    if spec["policy"]:
        parameters["policy"] = str(start(spec["policy"], dataset, out / "start", watch))
    trainer: Trainer = create("trainer", method, {**parameters, "out": str(out / "training")})
    if watch is not None and hasattr(trainer, "watch"):
        trainer.watch = lambda done, total: watch("training", done, total)
    artifact = anyio.run(trainer.train, dataset, context(limits))
    facts = dict(artifact.facts)
    document = {
        "method": method, "artifact": {"path": artifact.path, "hash": artifact.hash}, "curve": facts.pop("curve"),
        "before": facts.pop("before"), "after": facts.pop("after"), "spent": facts,
    }  # fmt: skip
    document["break_even"] = break_even(document, dataset)
    (out / "training.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    return document


def context(budget: Budget) -> Context:
    """A place to train in: a run of its own, which nothing but the trainer's own steps draws on."""
    means = Means(models={"main": ScriptedModel([])}, prices=prices.load())
    run = Run(ulid(), ListSink())
    if "seconds" in budget.limits:
        run.seconds = budget.limits["seconds"]
        run.deadline = run.clock.monotonic() + float(budget.limits["seconds"])
    return Context(means, run, Place(LocalAccount(budget)))


def break_even(document: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """After how many uses a training has paid, in dollars (EVIDENCE rule 10).

    Its cost is the tool calls of its rollouts, at the mean price of a call in the rows, and its tokens as output of
    the reference list. `uses` is None where a use is not cheaper than before; what success was lost stands beside it.
    """
    rates = prices.load().rates("local", local=True)
    assert rates is not None
    spent, before, after = document["spent"], document["before"], document["after"]
    mean = sum(float(row["price"]) for row in dataset.rows) / len(dataset.rows)
    tokens = float(rates.output) * spent["tokens"] / 1e6
    calls = mean * spent["calls"]
    saved = before["usd"] - after["usd"]
    return {
        "uses": math.ceil((tokens + calls) / saved) if saved > 0 else None, "unit": "usd",
        "training": {"calls": calls, "tokens": tokens}, "saved_per_use": saved,
        "success_lost": before["success"] - after["success"],
    }  # fmt: skip


def _rows(table: Mapping[str, Any]) -> Dataset:
    known = ("n", "held_out", "seed", "words")
    bench = table.get("bench", "boundary")
    if bench != "boundary":
        raise InputError(f"no rows to train on are made of {bench!r}", remedy='bench = "boundary"')
    _only(table, ("bench", *known), "data")
    return data.boundary(**{key: table[key] for key in known if key in table})


def start(table: Mapping[str, Any], dataset: Dataset, folder: Path, watch: Watch | None) -> Path:
    """The folder of the policy to begin with: one that is named, or `tiny` or a local model, taught as `warm` says."""
    _only(table, ("start", "hidden", "warm"), "policy")
    name = str(table.get("start", "tiny"))
    if Path(name).is_dir():
        return Path(name)
    if (folder / "model.safetensors").is_file():
        return folder
    try:
        warmth = warm.Warmth(**table.get("warm", {}))
    except TypeError as error:
        raise InputError(f"[policy] warm: {error}") from error
    rows = data.lessons(dataset)
    texts = [f"{row['prompt']} {row['answer']} {row.get('wrong', '')}" for row in rows]
    if name == "tiny":
        policy = warm.tiny(texts, warmth.seed, int(table.get("hidden", 64)))
    else:
        policy = warm.local(name, home())
    warm.teach(policy, rows, warmth, None if watch is None else lambda done, total: watch("teaching", done, total))
    _save(policy, folder)
    return folder


def _save(policy: Policy, folder: Path) -> None:
    """Whole or not at all: the folder gets its name when everything is in it."""
    unfinished = folder.with_name(f"{folder.name}.part")
    policy.save(unfinished)
    unfinished.rename(folder)


def _only(table: Mapping[str, Any], known: tuple[str, ...], name: str) -> None:
    for key in table:
        if key not in known:
            raise InputError(f"[{name}] of a training has no {key!r}", remedy=f"it has: {', '.join(known)}")
