"""Branching stories made here, where early choices matter late (after StoryBench, Wan and Ma, arXiv 2506.13356).

StoryBench's script is not public, so its name is not used: these are scrimp's own stories by seed, with its two modes
and its measures: success, first-try accuracy (the value), retries, longest row of right choices, time and tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.gold import Gold, Step
from scrimp.evaluate.environments.story import MODES, WAYS, Scene, Story, story, tools

SIZES: Mapping[str, int] = {"immediate": 100, "recovery": 100, "dev": 20}
ASK = {
    "immediate": "Read story {id} to its end: choose a way on in each scene. What you need may have been told scenes "
    "before. When you have arrived, reply done.",
    "recovery": "Read story {id} to its end: choose a way on in each scene. What you need may have been told scenes "
    "before; a wrong choice shows only at the end, and then you can go back to the scene where it was made. When you "
    "have arrived, reply done.",
}


class Stories:
    """The stories as a Benchmark.

    Args:
        seed: which stories; 0 is the standard one.
        scenes: how long they are.
        delay: scenes between a clue and where it is needed.
    """

    name = "stories"
    version = "1"
    splits = tuple(SIZES)
    default_split = "immediate"

    def __init__(self, seed: int = 0, scenes: int = 12, delay: int = 4) -> None:
        if not (2 <= scenes <= 200 and 1 <= delay < scenes):
            raise InputError("stories takes scenes from 2 to 200 and a delay from 1 to fewer than the scenes")
        self.seed, self.scenes, self.delay = seed, scenes, delay

    def tasks(self, split: str = "immediate") -> Iterator[Task]:
        """The stories of a mode; `dev` has half of each."""
        if split not in SIZES:
            raise UnknownName("split of stories", split, SIZES)
        for number in range(SIZES[split]):
            mode = split if split in MODES else MODES[number % 2]
            name = f"{split}-{mode}-{self.seed}-{number:03d}"
            text = ASK[mode].format(id=name)
            yield Task(name, text, tools(mode), environment="story", steps=3 * self.scenes, labels={"mode": mode})

    def environment(self, task: Task) -> Story:
        """A fresh reading."""
        return Story(self._story(task.id), task.id.split("-")[1])

    def gold(self, task_id: str) -> Gold:
        """The right ways; for scorers and the oracle only. Only the first can be foreseen: the next is told later."""
        steps = tuple(map(_step, self._story(task_id)))
        return Gold("text", ("done",), steps, says="done", ordered=True, foreseen=1)

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Whether the end was reached; the value is the share of scenes that were right at the first try."""
        state = answer.state
        value = state.get("first_right", 0) / self.scenes
        says = f"first try {state.get('first_right', 0)} of {self.scenes}, {state.get('retries', 0)} retries"
        return Score(value, bool(state.get("ended")), f"{says}, longest row {state.get('longest', 0)}")

    def _story(self, task_id: str) -> Any:
        split, _, rest = task_id.partition("-")
        number = rest.rpartition("-")[2]
        if split not in SIZES or not number.isdigit() or int(number) >= SIZES[split]:
            raise UnknownName("task of stories", task_id)
        return story(task_id, self.scenes, self.delay)


def _step(scene: Scene) -> Step:
    """The right way on; where it hangs on a clue, the clue must still be in the prompt."""
    slip = ("way", (scene.right + 1) % WAYS + 1)
    return Step("choose", {"way": scene.right + 1}, slip, evidence=(scene.clue,) if scene.clue else ())
