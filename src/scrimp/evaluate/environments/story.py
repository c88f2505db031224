"""Interactive fiction with early choices that matter late, made here; after StoryBench's abilities and its two modes.

A story is a row of scenes with three ways on each. In some scenes the right way hangs on what was told scenes before,
and is not told again. `immediate`: a wrong choice is said to be wrong at once and may be made again. `recovery`: the
story goes on and fails at its end; the reader must go back to the scene where it went wrong.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from scrimp.core.task import Task
from scrimp.core.tool import Tool, ToolResult

MODES = ("immediate", "recovery")
WAYS = 3

PLACES = ("an orchard", "a mill", "a ferry", "a chapel", "a quarry", "a bakery", "a watchtower", "a tannery",
          "a lighthouse", "a bridge", "a cellar", "a stable", "a library", "a harbour", "a forge")  # fmt: skip
COLOURS: tuple[str, ...] = ("amber", "green", "white", "red", "blue", "grey")
SIGNS: tuple[str, ...] = ("a heron", "an anchor", "a wheel", "a crown", "a leaf", "a fish")
KEEPERS = ("the miller", "the ferryman", "the abbess", "the smith", "the gardener", "the warden")


@dataclass(frozen=True)
class Scene:
    """One scene: what is told, the ways on, and the right one.

    `why` is empty where the text itself says it; else it is the scene that did, and `clue` its words.
    """

    text: str
    ways: tuple[str, ...]
    right: int
    why: int | None = None
    clue: str = ""


@lru_cache(maxsize=512)
def story(seed: str, scenes: int, delay: int) -> tuple[Scene, ...]:
    """The scenes of a story; every second one hangs on a clue `delay` scenes before, where there is room for one."""
    rng = random.Random(f"story {seed}")
    clues: dict[int, tuple[str, str, tuple[str, ...]]] = {}  # scene that is asked later: words, answer, all answers
    told: dict[int, list[str]] = {}
    for place in range(delay, scenes, 2):
        kind = rng.choice(("colour", "sign"))
        pool = COLOURS if kind == "colour" else SIGNS
        answer, keeper = rng.choice(pool), rng.choice(KEEPERS)
        token = f"{keeper} of scene {place + 1}"
        words = (f"A note says: {token} trusts only who shows the {answer} ribbon." if kind == "colour"
                 else f"A note says: {token} opens to who draws {answer}.")  # fmt: skip
        clues[place] = words, answer, tuple(pool)
        told.setdefault(place - delay, []).append(words)
    made = []
    for place in range(scenes):
        here = rng.choice(PLACES)
        notes = " ".join(told.get(place, ()))
        if place in clues:
            words, answer, pool = clues[place]
            others = rng.sample([one for one in pool if one != answer], WAYS - 1)
            options = [answer, *others]
            rng.shuffle(options)
            verb = "show the {} ribbon" if pool == COLOURS else "draw {}"
            keeper = words.removeprefix("A note says: ").partition(" of scene")[0]
            text = f"At {here} {keeper} waits and says nothing. {notes}".strip()
            ways = tuple(verb.format(one) for one in options)
            made.append(Scene(text, ways, options.index(answer), place - delay, words))
            continue
        doors = rng.sample(COLOURS, WAYS)
        right = rng.randrange(WAYS)
        text = f"At {here} the only door that is not barred is the {doors[right]} one. {notes}".strip()
        made.append(Scene(text, tuple(f"take the {one} door" for one in doors), right))
    return tuple(made)


@dataclass
class Story:
    """A reading of one story, as an Environment."""

    scenes: tuple[Scene, ...]
    mode: str = "immediate"
    name: str = "story"
    at: int = 0
    chosen: list[int] = field(default_factory=list)  # the way taken in each scene up to here
    first: list[bool] = field(default_factory=list)  # whether the first choice in each scene was right
    retries: int = 0
    run: int = 0
    longest: int = 0
    ended: bool = False

    async def reset(self, task: Task) -> str:
        """The first scene."""
        self.at, self.chosen, self.first, self.retries = 0, [], [], 0
        self.run, self.longest, self.ended = 0, 0, False
        return self._scene()

    async def step(self, action: Mapping[str, Any], ctx: Any) -> ToolResult:
        """Choose a way, or go back to a scene (recovery only)."""
        name, arguments = action.get("name"), action.get("arguments") or {}
        number = arguments.get("way" if name == "choose" else "scene")
        if not isinstance(number, int) or isinstance(number, bool):
            return ToolResult("error: a number is wanted", "error")
        if self.ended:
            return ToolResult("error: the story has ended", "error")
        if name == "go_back":
            return self._back(number)
        if name != "choose" or not 1 <= number <= WAYS:
            return ToolResult(f"error: choose takes a way from 1 to {WAYS}", "error")
        if self.at >= len(self.scenes):
            return ToolResult("error: the story failed; go back to a scene", "error")
        return self._chosen(number - 1)

    async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
        """The same step again; nothing here hangs on chance."""
        await self.step(action, None)

    async def clone(self) -> Story:
        """Another reader at the same point."""
        return replace(self, chosen=list(self.chosen), first=list(self.first))

    def state(self) -> Mapping[str, Any]:
        """First choices right and made, retries, longest row of right choices, and whether the end was reached."""
        return {"first_right": sum(self.first), "first": len(self.first), "retries": self.retries,
                "longest": self.longest, "ended": self.ended}  # fmt: skip

    def _chosen(self, way: int) -> ToolResult:
        right = way == self.scenes[self.at].right
        if self.at == len(self.first):
            self.first.append(right)
        else:
            self.retries += 1
        self.run = self.run + 1 if right else 0
        self.longest = max(self.longest, self.run)
        if not right and self.mode == "immediate":
            return ToolResult("That was wrong; choose again.")
        self.chosen[self.at :] = [way]
        self.at += 1
        if self.at < len(self.scenes):
            return ToolResult(self._scene())
        wrong = [place for place, way in enumerate(self.chosen) if way != self.scenes[place].right]
        if not wrong:
            self.ended = True
            return ToolResult("The end: you arrive safely.")
        return ToolResult("The story fails: somewhere you chose wrongly. Go back to a scene and choose again.")

    def _back(self, scene: int) -> ToolResult:
        if self.mode != "recovery":
            return ToolResult("error: in this mode there is no going back", "error")
        if not 1 <= scene <= len(self.chosen):
            return ToolResult(f"error: go_back takes a scene from 1 to {len(self.chosen)}", "error")
        self.at = scene - 1
        del self.chosen[self.at :]
        return ToolResult(self._scene())

    def _scene(self) -> str:
        scene = self.scenes[self.at]
        ways = "; ".join(f"{number}. {way}" for number, way in enumerate(scene.ways, 1))
        return f"Scene {self.at + 1} of {len(self.scenes)}. {scene.text}\nWays on: {ways}"


def tools(mode: str) -> tuple[Tool, ...]:
    """What a reader can do."""
    way = {"type": "integer", "description": f"Number of the way, 1 to {WAYS}."}
    scene = {"type": "integer", "description": "Number of the scene."}
    choose = Tool("choose", "Take one of the ways on.", _schema(way=way), acts=True, source="story")
    about = "Go back to an earlier scene and choose again from there."
    back = Tool("go_back", about, _schema(scene=scene), acts=True, source="story")
    return (choose, back) if mode == "recovery" else (choose,)


def _schema(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}
