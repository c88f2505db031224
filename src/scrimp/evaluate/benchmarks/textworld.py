"""TextWorld: generated games of finding and placing things (Cote et al., arXiv 1806.11532).

Any number of related games come from seeds. Success: the game is won; value: score over its most. The way to win is the
generator's own walkthrough, which also gives the fewest steps that are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.checking import check
from scrimp.evaluate.benchmarks.gold import Gold, Step
from scrimp.evaluate.environments.command import act
from scrimp.evaluate.environments.textworld import Recipe, TextWorld, made, package, walkthrough

SIZES: Mapping[str, tuple[int, int]] = {"test": (1000, 200), "dev": (5000, 20)}
"""First seed and number of games of a split."""

ABOUT = (
    "Say one command to the game: look, inventory, examine THING, go DIRECTION, open THING, close THING, take THING "
    "(from PLACE), drop THING, put THING on PLACE, insert THING into PLACE, lock or unlock THING with KEY, eat THING."
)
ASK = "Play the text game {id} with the tool act until it is won; then reply done."


class TextWorldGames:
    """TextWorld games as a Benchmark.

    Args:
        rooms, objects, quest: size of the world and fewest commands of the quest.
        hints: `admissible` tells after each command what can be done.
    """

    name = "textworld"
    splits = tuple(SIZES)
    default_split = "test"

    def __init__(self, rooms: int = 3, objects: int = 6, quest: int = 4, hints: str = "") -> None:
        if not (1 <= rooms <= 50 and 1 <= objects <= 100 and 1 <= quest <= 30):
            raise InputError("textworld takes 1 to 50 rooms, 1 to 100 objects and a quest of 1 to 30 commands")
        if hints not in ("", "admissible"):
            raise InputError(f"textworld has no hints {hints!r}", remedy="hints=admissible")
        package()
        self.version = "1.7"
        self.rooms, self.objects, self.quest, self.hints = rooms, objects, quest, hints

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The games of a split; none is made before it is played."""
        if split not in SIZES:
            raise UnknownName("split of textworld", split, SIZES)
        first, count = SIZES[split]
        for seed in range(first, first + count):
            name = f"{split}-{seed}-{self.rooms}-{self.objects}-{self.quest}"
            yield Task(name, ASK.format(id=name), (act(ABOUT, "textworld"),), environment="textworld",
                       steps=max(20, 5 * self.quest))  # fmt: skip

    def environment(self, task: Task) -> TextWorld:
        """A fresh game."""
        return TextWorld(self._recipe(task.id), bool(self.hints))

    def gold(self, task_id: str) -> Gold:
        """The walkthrough; for scorers and the oracle only. Only its first command can be foreseen."""
        commands = walkthrough(made(self._recipe(task_id)))
        steps = tuple(Step("act", {"command": command}, ("command", "wait")) for command in commands)
        return Gold("text", ("done",), steps, says="done", ordered=True, foreseen=1)

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Whether the game is won."""
        state = answer.state
        won, most = bool(state.get("won")), state.get("max_score") or 1
        return Score(1.0 if won else state.get("score", 0) / most, won, f"{state.get('moves', 0)} commands")

    def check(self) -> dict[str, Any]:
        """Make the games of `dev` and win them (`checking.check`); those of `test` are as many compilations more."""
        return check(self, ("dev",))

    def _recipe(self, task_id: str) -> Recipe:
        split, *numbers = task_id.split("-")
        first, count = SIZES.get(split, (0, 0))
        if len(numbers) != 4 or not all(number.isdigit() for number in numbers):
            raise UnknownName("task of textworld", task_id)
        recipe = Recipe(*map(int, numbers))
        if not first <= recipe.seed < first + count:
            raise UnknownName("task of textworld", task_id)
        return recipe
