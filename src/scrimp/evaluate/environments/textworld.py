"""TextWorld games, played by commands (Cote et al., arXiv 1806.11532; the package `textworld`).

A game is made once by its seed, which compiles it (some seconds), and kept under SCRIMP_HOME/bench/textworld.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread

from scrimp.core.errors import InputError, OutsideError
from scrimp.core.task import Task
from scrimp.core.tool import ToolResult
from scrimp.evaluate.environments.command import command_of
from scrimp.journal.home import home

_STATUS = re.compile(r"\n*>\s*(?:-= .*)?$", re.DOTALL)
_MAKING = threading.Lock()  # the generator keeps things in the module


@dataclass(frozen=True)
class Recipe:
    """What a game is made from; the same recipe makes the same game."""

    seed: int
    rooms: int = 3
    objects: int = 6
    quest: int = 4

    @property
    def name(self) -> str:
        """Its file's name."""
        return f"game-{self.seed}-{self.rooms}-{self.objects}-{self.quest}"


def made(recipe: Recipe) -> Path:
    """The file of a game, made where it is not there yet.

    Raises:
        InputError: the package is missing.
        OutsideError: its generator failed.
    """
    folder = home() / "bench" / "textworld" / recipe.name
    path = folder / "game.z8"
    if path.is_file():
        return path
    textworld = package()
    with _MAKING:
        if path.is_file():
            return path
        fresh = folder.with_name(f".{recipe.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        options = textworld.GameOptions()
        options.seeds, options.nb_rooms, options.nb_objects = recipe.seed, recipe.rooms, recipe.objects
        options.quest_length, options.path = recipe.quest, str(fresh / "game.z8")
        try:
            textworld.make(options)
        except Exception as error:  # its compiler and its grammar fail in ways of their own; one line tells any of them
            shutil.rmtree(fresh, ignore_errors=True)
            raise OutsideError(f"textworld could not make game {recipe.name}: {error}") from error
        shutil.rmtree(folder, ignore_errors=True)  # half of one, from a process that was killed
        fresh.rename(folder)
    return path


def walkthrough(path: Path) -> tuple[str, ...]:
    """The commands that win a game; for scorers and the oracle only."""
    data = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return tuple(data["metadata"]["walkthrough"])


def package() -> Any:
    """The package.

    Raises:
        InputError: it is not installed.
    """
    # Its interpreter says of every generated game that it does not know its score; TextWorld counts it itself.
    warnings.filterwarnings("ignore", message="Game '.*' is not fully supported")
    try:
        import textworld
    except ImportError as error:
        raise InputError("TextWorld games need the package textworld", remedy="pip install 'scrimp[worlds]'") from error
    return textworld


@dataclass
class TextWorld:
    """One game under way, as an Environment. `hints`: what can be done now is told after each command."""

    recipe: Recipe
    hints: bool = False
    name: str = "textworld"
    commands: list[str] = field(default_factory=list)
    _game: Any = None
    _seen: Any = None

    async def reset(self, task: Task) -> str:
        """The objective and the first room."""
        await anyio.to_thread.run_sync(self._start)
        self.commands = []
        about = str(self._seen.description).strip()
        return f"{str(self._seen.objective).strip()}\n{about}{self._hint()}"

    async def step(self, action: Mapping[str, Any], ctx: Any) -> ToolResult:
        """One command, and what the game says."""
        command = command_of(action)
        if isinstance(command, ToolResult):
            return command
        if self._seen.won or self._seen.lost:
            return ToolResult("error: the game is over", "error")
        self._seen, _, _ = self._game.step(command)
        self.commands.append(command)
        said = _STATUS.sub("", str(self._seen.feedback)).strip()
        if self._seen.won:
            return ToolResult(f"{said}\nYou have won.")
        return ToolResult(f"{said}{self._hint()}")

    async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
        """The same command again: a game does not hang on chance."""
        await self.step(action, None)

    async def clone(self) -> TextWorld:
        """Another game at the same point, by playing the commands again."""
        twin = TextWorld(self.recipe, self.hints)
        await anyio.to_thread.run_sync(partial(twin._replay, self.commands))
        return twin

    def state(self) -> Mapping[str, Any]:
        """Whether it is won, the score, and how many commands there were."""
        seen = self._seen
        return {"won": bool(seen.won), "score": int(seen.score or 0), "max_score": int(seen.max_score or 0),
                "moves": len(self.commands)}  # fmt: skip

    async def aclose(self) -> None:
        """End the game's interpreter."""
        if self._game is not None:
            self._game.close()

    def _start(self) -> None:
        textworld = package()
        told = ("feedback", "description", "objective", "score", "max_score", "won", "lost")
        wanted = textworld.EnvInfos(**dict.fromkeys(told, True), admissible_commands=self.hints)
        self._game = textworld.start(str(made(self.recipe)), request_infos=wanted)
        self._seen = self._game.reset()

    def _replay(self, commands: Sequence[str]) -> None:
        self._start()
        for command in commands:
            self._seen, _, _ = self._game.step(command)
        self.commands = list(commands)

    def _hint(self) -> str:
        return f"\nYou can: {', '.join(self._seen.admissible_commands)}" if self.hints else ""
