"""What holds of every benchmark: sample and official data win by their own rule, and both Systems run."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import anyio
import pytest

from scrimp.core.errors import InputError, UnknownName
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.benchmarks.checking import verify
from scrimp.evaluate.benchmarks.entries import BENCHMARKS
from scrimp.evaluate.benchmarks.files import find, samples
from scrimp.evaluate.experiment import Experiment, run
from scrimp.evaluate.systems import baseline, efficient

READS = [name for name, entry in BENCHMARKS.items() if entry.needs_data]
MADE = [name for name, entry in BENCHMARKS.items() if not entry.needs_data and not entry.package]


def sample(name: str) -> str:
    return f"{name}?data=sample"


@pytest.mark.parametrize("name", READS)
def test_every_item_of_the_sample_wins_by_its_own_rule(name: str) -> None:
    found = verify(open_benchmark(sample(name)))
    assert found["items"] > 0
    assert found["gold_fails"] == []


@pytest.mark.parametrize("name", READS)
def test_every_item_of_the_official_data_wins_by_its_own_rule(name: str) -> None:
    if "SCRIMP_DATA" not in os.environ or find(name) is None:
        pytest.skip("no official data here")
    assert verify(open_benchmark(name))["gold_fails"] == []


@pytest.mark.parametrize("name", READS)
def test_the_sample_says_that_it_is_one(name: str) -> None:
    assert "sample" in open_benchmark(sample(name)).version


@pytest.mark.parametrize("name", [*map(sample, [*READS, "costbench"]), *(name for name in MADE if name != "costbench")])
def test_tasks_are_told_apart_and_splits_are_known(name: str) -> None:
    opened = open_benchmark(name)
    seen: set[str] = set()
    for split in opened.splits:
        try:
            tasks = list(opened.tasks(split))
        except InputError:
            continue  # the sample does not hold every official file
        assert len({task.id for task in tasks}) == len(tasks)
        seen |= {task.id for task in tasks}
    assert seen
    with pytest.raises(UnknownName):
        list(opened.tasks("no such split"))
    with pytest.raises(UnknownName):
        opened.gold("no such task")


@pytest.mark.parametrize(
    "name", [*map(sample, READS), "dialogues", "stories?scenes=6", "compound", "costbench", "stream"]
)
def test_both_systems_run_with_the_oracle(name: str, tmp_path: Path) -> None:
    many = sum(1 for _ in open_benchmark(name).tasks(open_benchmark(name).default_split))
    found = anyio.run(
        run, Experiment((baseline(), efficient()), name, model="oracle", n=min(3, many), out=tmp_path / "out")
    )
    first, second = found["systems"]
    assert first["statuses"]["error"] == second["statuses"]["error"] == 0
    if first["effectiveness"]["mean"] is not None:
        assert first["effectiveness"]["mean"] == 1.0, "an oracle that sees everything and errs nowhere is right"
        assert first["score"]["mean"] == 1.0


@pytest.mark.parametrize("name", READS)
def test_a_row_without_its_fields_is_one_clear_line(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(samples(name), folder)
    path = max((one for one in folder.rglob("*.json*")), key=lambda one: one.stat().st_size)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        path.write_text(text[: len(text) // 2], encoding="utf-8")
    else:
        first = json.loads(text.splitlines()[0])
        path.write_text(json.dumps(dict(list(first.items())[:1])) + "\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        verify(open_benchmark(name, folder))
    assert path.name.split(".")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", READS)
def test_a_cut_off_file_is_one_clear_line(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(samples(name), folder)
    path = max((one for one in folder.rglob("*.json*")), key=lambda one: one.stat().st_size)
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    path.with_name(f"{path.name}.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match="the file is damaged or cut off"):
        verify(open_benchmark(name, folder))


@pytest.mark.parametrize("name", [name for name, entry in BENCHMARKS.items() if entry.package])
def test_a_missing_package_is_named(name: str) -> None:
    package = BENCHMARKS[name].package
    if find_spec(package) is not None:
        pytest.skip(f"{package} is here")
    with pytest.raises(InputError, match="scrimp\\[worlds\\]"):
        open_benchmark(name)


def test_no_task_carries_gold() -> None:
    """The words of gold that are not among what is offered stand in no field of a task."""
    for name in ("hotpotqa", "locomo", "membench", "longmemeval", "api_bank", "seal_tools"):
        opened = open_benchmark(sample(name))
        for task in opened.tasks(opened.default_split):
            kept = dataclasses.replace(task, history=())
            steps = opened.gold(task.id).steps
            assert all(repr(step) not in repr(kept) for step in steps)
            assert "gold" not in repr(kept).lower()
