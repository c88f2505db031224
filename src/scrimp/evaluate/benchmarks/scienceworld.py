"""ScienceWorld: thirty sorts of science tasks in text (Wang et al., EMNLP 2022, arXiv 2203.07540).

Splits are the official ones of the variations; the sorts come in turn. Success: the simulator's score is 100; value:
score over 100, never less than 0. The way to the goal is the simulator's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.checking import check
from scrimp.evaluate.benchmarks.gold import Gold, Step
from scrimp.evaluate.environments.command import act
from scrimp.evaluate.environments.scienceworld import LIMIT, Episode, ScienceWorld, gold_commands, package

VARIATIONS: Mapping[str, tuple[int, int, int]] = {
    "boil": (14, 21, 30), "change-the-state-of-matter-of": (14, 21, 30), "chemistry-mix": (16, 24, 32),
    "chemistry-mix-paint-secondary-color": (18, 27, 36), "chemistry-mix-paint-tertiary-color": (18, 27, 36),
    "find-animal": (150, 225, 300), "find-living-thing": (150, 225, 300), "find-non-living-thing": (150, 225, 300),
    "find-plant": (150, 225, 300), "freeze": (14, 21, 30), "grow-fruit": (62, 93, 126), "grow-plant": (62, 93, 126),
    "identify-life-stages-1": (6, 9, 14), "identify-life-stages-2": (4, 6, 10),
    "inclined-plane-determine-angle": (84, 126, 168),
    "inclined-plane-friction-named-surfaces": (692, 1038, 1386),
    "inclined-plane-friction-unnamed-surfaces": (80, 120, 162), "lifespan-longest-lived": (62, 93, 125),
    "lifespan-longest-lived-then-shortest-lived": (62, 93, 125), "lifespan-shortest-lived": (62, 93, 125),
    "measure-melting-point-known-substance": (218, 327, 436),
    "measure-melting-point-unknown-substance": (150, 225, 300), "melt": (14, 21, 30),
    "mendelian-genetics-known-plant": (60, 90, 120), "mendelian-genetics-unknown-plant": (240, 360, 480),
    "power-component": (10, 15, 20), "power-component-renewable-vs-nonrenewable-energy": (10, 15, 20),
    "test-conductivity": (450, 675, 900), "test-conductivity-of-unknown-substances": (300, 450, 600),
    "use-thermometer": (270, 405, 540),
}  # fmt: skip
"""First variation of dev and of test, and how many there are (scienceworld 1.2.3)."""

TOO_LONG = frozenset({
    "inclined-plane-friction-unnamed-surfaces:80", "mendelian-genetics-known-plant:60",
    "mendelian-genetics-unknown-plant:240",
})  # fmt: skip
"""First dev variations whose own way takes more than the 100 commands that an episode has."""

SIMPLIFIED = ("easy", "")
ABOUT = (
    "Say one command to the laboratory: look around, inventory, look at X, look in X, open X, close X, go X, pick up "
    "X, put down X, move X to Y, pour X in Y, dunk X in Y, mix X, use X on Y, activate X, deactivate X, connect X to "
    "Y, read X, eat X, focus on X, teleport to X, wait, wait1."
)
ASK = "Do the science task {id} with the tool act; reply done when it is done."


class ScienceWorldTasks:
    """ScienceWorld as a Benchmark.

    Args:
        simplified: the simulator's own simplification, `easy` or none.
    """

    name = "scienceworld"
    splits = ("test", "dev", "train")
    default_split = "test"

    def __init__(self, simplified: str = "easy") -> None:
        if simplified not in SIMPLIFIED:
            raise UnknownName("simplification of scienceworld", simplified, SIMPLIFIED)
        package()
        self.version, self.simplified = "1.2", simplified

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The variations of a split, the thirty sorts in turn."""
        if split not in self.splits:
            raise UnknownName("split of scienceworld", split, self.splits)
        ranges = {sort: _range(split, *three) for sort, three in VARIATIONS.items()}
        for turn in range(max(map(len, ranges.values()))):
            for sort, numbers in ranges.items():
                if turn < len(numbers):
                    yield self._task(sort, numbers[turn])

    def environment(self, task: Task) -> ScienceWorld:
        """A fresh episode."""
        return ScienceWorld(self._episode(task.id))

    def gold(self, task_id: str) -> Gold:
        """The simulator's way; for scorers and the oracle only. Only its first command can be foreseen."""
        steps = tuple(Step("act", {"command": one}, ("command", "wait1")) for one in _gold(self._episode(task_id)))
        return Gold("text", ("done",), steps, says="done", ordered=True, foreseen=1)

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """The simulator's score."""
        score = answer.state.get("score", 0)
        return Score(score / 100, score == 100, f"score {score} after {answer.state.get('moves', 0)} commands")

    def check(self) -> dict[str, Any]:
        """Go the simulator's way in the first dev variation of each sort (`checking.check`)."""
        return check(_Firsts(self.simplified), ("dev",), known=TOO_LONG)

    def _task(self, sort: str, number: int) -> Task:
        name = f"{sort}:{number}"
        return Task(name, ASK.format(id=name), (act(ABOUT, "scienceworld"),), environment="scienceworld", steps=LIMIT,
                    labels={"sort": sort})  # fmt: skip

    def _episode(self, task_id: str) -> Episode:
        sort, _, number = task_id.partition(":")
        if sort not in VARIATIONS or not number.isdigit() or int(number) >= VARIATIONS[sort][2]:
            raise UnknownName("task of scienceworld", task_id)
        return Episode(sort, int(number), self.simplified)


class _Firsts(ScienceWorldTasks):
    """The first dev variation of each sort."""

    def tasks(self, split: str = "dev") -> Iterator[Task]:
        return (self._task(sort, three[0]) for sort, three in VARIATIONS.items())


def _range(split: str, dev: int, test: int, end: int) -> range:
    return {"train": range(dev), "dev": range(dev, test), "test": range(test, end)}[split]


@lru_cache(maxsize=4096)
def _gold(episode: Episode) -> tuple[str, ...]:
    return gold_commands(episode)
