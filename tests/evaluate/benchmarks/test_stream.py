"""A stream: order, memory carried over, and that nothing but right or wrong is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest

from scrimp.core import registry
from scrimp.core.errors import InputError
from scrimp.core.protocols import Query, Recall
from scrimp.core.registry import Card
from scrimp.core.system import System
from scrimp.core.task import Episode
from scrimp.evaluate.benchmarks.stream import Stream
from scrimp.evaluate.experiment import Experiment, run
from scrimp.evaluate.systems import baseline


class Diary:
    """A memory that keeps everything it is told."""

    card = Card(name="diary", family="memory", title="", paper="", saves="", against="")
    kept: ClassVar[list[Episode]] = []

    async def write(self, episode: Episode, ctx: Any) -> None:
        self.kept.append(episode)

    async def manage(self, ctx: Any) -> None: ...

    async def read(self, query: Query, ctx: Any) -> Recall:
        return Recall(f"{len(self.kept)} notes, the last of {query.owner}: {self.kept[-1].text}" if self.kept else "")


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> type[Diary]:
    Diary.kept = []
    real = registry.load

    def load(family: str, name: str) -> Any:
        return Diary if (family, name) == ("memory", "diary") else real(family, name)

    monkeypatch.setattr(registry, "load", load)
    for module in ("scrimp.outfit", "scrimp.core.system", "scrimp.evaluate.controls"):
        monkeypatch.setattr(f"{module}.load", load)
    return Diary


def test_orders_hold_the_same_tasks() -> None:
    one, other = (list(Stream(length=20, order=order).tasks()) for order in (0, 1))
    assert [task.labels["position"] for task in one] == [str(place) for place in range(1, 21)]
    assert {task.labels["task"] for task in one} == {task.labels["task"] for task in other}
    assert [task.labels["task"] for task in one] != [task.labels["task"] for task in other]


def test_a_memory_outlives_the_tasks_and_is_told_right_or_wrong(diary: type[Diary], tmp_path: Path) -> None:
    remembers = System(name="remembers", memory="diary", model="oracle")
    found = anyio.run(run, Experiment(
        (remembers, baseline()), "stream?over=toolworld&length=6", model="oracle", n=6, out=tmp_path / "out"
    ))  # fmt: skip
    texts = [episode.text for episode in diary.kept]
    told = [text for text in texts if text.startswith("The answer to the task before was")]
    assert told == ["The answer to the task before was right."] * 5, "one after each task but the last"
    assert sum(text.startswith("Task: ") for text in texts) == 6
    assert {episode.owner for episode in diary.kept} == {"stream 0"}
    assert [part["tasks"] for part in found["stream"]["remembers"]] == [[1, 2], [3, 4], [5, 6]]
    assert all(part["success"] == 1.0 for part in found["stream"]["baseline"])
    memory = next(row for row in found["systems"] if row["name"] == "remembers")["ledger"]["phases"]
    assert (memory["write"]["calls"], memory["read"]["calls"]) == (11, 6)


def test_what_a_stream_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="orders 0 to 2"):
        Stream(order=3)
    with pytest.raises(InputError, match="fewer than 9999"):
        list(Stream(length=9999).tasks())
    with pytest.raises(InputError, match="histories of its own"):
        list(Stream("dialogues", length=5).tasks())
    with pytest.raises(InputError, match="one task after the other"):
        anyio.run(run, Experiment((baseline(),), "stream", model="oracle", n=3, workers=2, out=tmp_path / "out"))
