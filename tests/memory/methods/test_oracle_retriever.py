"""The oracle's memory: the gold turns and no others, told by an experiment; no gold in reach."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from scrimp.core.errors import InputError
from scrimp.core.protocols import Query
from scrimp.core.registry import create
from scrimp.core.system import System
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.experiment import Experiment, run
from scrimp.evaluate.oracle_retriever import oracle_memory
from scrimp.testing.harness import Bench

pytestmark = pytest.mark.anyio


async def test_it_recalls_the_gold_turns_in_their_order() -> None:
    bench = open_benchmark("dialogues")
    task = next(one for one in bench.tasks("dev") if one.labels["kind"] == "two_hop")
    one = Bench(memory=oracle_memory(bench))
    for episode in task.history:
        await one.ctx.remember(episode)
    recalled = await one.ctx.recall(Query(task.query, task.owner, 1000))
    gold = bench.gold(task.id)
    assert sorted(recalled.sources) == sorted(gold.labels["turns"].split())
    assert all(said in recalled.text for said in gold.evidence)
    assert (await one.ctx.recall(Query("Something else?", task.owner, 1000))).text == ""
    assert "dict" not in {type(value).__name__ for value in vars(one.means.memory).values()}


async def test_outside_an_experiment_it_refuses() -> None:
    with pytest.raises(InputError, match="knows nothing outside an experiment"):
        await Bench(memory=create("memory", "oracle-retriever")).ctx.recall(Query("What?", "ann", 100))
    with pytest.raises(InputError, match="does not name the turns"):
        oracle_memory(open_benchmark("toolworld"))


def test_an_experiment_gives_it_what_it_needs(tmp_path: Path) -> None:
    systems = (System(name="full", memory="full-history"), System(name="oracle", memory="oracle-retriever"))
    experiment = Experiment(systems, "dialogues", model="oracle", n=24, controls=False, out=tmp_path / "out")
    document = anyio.run(run, experiment)
    full, oracle = document["systems"]
    assert oracle["effectiveness"]["mean"] >= full["effectiveness"]["mean"]
    assert sum(oracle["tokens"].values()) < 0.2 * sum(full["tokens"].values())
