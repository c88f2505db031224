"""ScienceWorld, a science laboratory in text (Wang et al., EMNLP 2022, arXiv 2203.07540; the package `scienceworld`).

The simulator is a Java program. One is started when first needed and then lent to one run after another; runs at once
have one each, so that none sees another's world. All end with this process.
"""

from __future__ import annotations

import atexit
import contextlib
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio.to_thread

from scrimp.core.errors import InputError, OutsideError
from scrimp.core.task import Task
from scrimp.core.tool import ToolResult
from scrimp.evaluate.environments.command import command_of

LIMIT = 100
"""Commands of an episode, as in the paper."""

_IDLE: list[Any] = []
_ALL: list[Any] = []
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Episode:
    """A task of the simulator, one of its variations, and how it is simplified."""

    task: str
    variation: int
    simplified: str = "easy"


def package() -> Any:
    """The package.

    Raises:
        InputError: it, or Java, is not installed.
    """
    try:
        import scienceworld
    except ImportError as error:
        raise InputError("ScienceWorld needs its package", remedy="pip install 'scrimp[worlds]'") from error
    if shutil.which("java") is None:
        raise InputError("ScienceWorld needs Java", remedy="install a Java runtime, version 8 or newer")
    return scienceworld


def _take() -> Any:
    with _LOCK:
        if _IDLE:
            return _IDLE.pop()
    try:
        simulator = package().ScienceWorldEnv("", envStepLimit=LIMIT)
    except OSError as error:
        raise OutsideError(f"the simulator of ScienceWorld did not start: {error}") from error
    with _LOCK:
        _ALL.append(simulator)
    return simulator


def _give_back(simulator: Any) -> None:
    with _LOCK:
        _IDLE.append(simulator)


@atexit.register
def _close_all() -> None:
    for simulator in _ALL:
        with contextlib.suppress(Exception):  # the process ends: what cannot be closed is gone anyway
            simulator.close()
        simulator.close = lambda: None  # its __del__ would close it once more, and complain


@contextlib.contextmanager
def lent() -> Iterator[Any]:
    """A simulator for a moment."""
    simulator = _take()
    try:
        yield simulator
    finally:
        _give_back(simulator)


def gold_commands(episode: Episode) -> tuple[str, ...]:
    """The simulator's own way to the goal; for scorers and the oracle only."""
    with lent() as simulator:
        simulator.load(episode.task, episode.variation, episode.simplified, generateGoldPath=True)
        simulator.reset()
        return tuple(simulator.get_gold_action_sequence())


@dataclass
class ScienceWorld:
    """One episode under way, as an Environment."""

    episode: Episode
    name: str = "scienceworld"
    commands: list[str] = field(default_factory=list)
    score: int = 0
    over: bool = False
    _simulator: Any = None

    async def reset(self, task: Task) -> str:
        """The task in the simulator's words, and the first room."""
        first: str = await anyio.to_thread.run_sync(self._start)
        return first

    async def step(self, action: Mapping[str, Any], ctx: Any) -> ToolResult:
        """One command, and what is observed."""
        command = command_of(action)
        if isinstance(command, ToolResult):
            return command
        if self.over:
            return ToolResult("error: the episode is over", "error")
        said: str = await anyio.to_thread.run_sync(partial(self._do, command))
        return ToolResult(said)

    async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
        """The same command again: an episode does not hang on chance."""
        await self.step(action, None)

    async def clone(self) -> ScienceWorld:
        """Another episode at the same point, by doing the commands again on a simulator of its own."""
        twin = ScienceWorld(self.episode)
        await anyio.to_thread.run_sync(partial(twin._replay, list(self.commands)))
        return twin

    def state(self) -> Mapping[str, Any]:
        """The simulator's score from 0 to 100 (never less), how many commands there were, and whether it is over."""
        return {"score": max(0, self.score), "moves": len(self.commands), "over": self.over}

    async def aclose(self) -> None:
        """Give the simulator back."""
        if self._simulator is not None:
            simulator, self._simulator = self._simulator, None
            _give_back(simulator)

    def _start(self) -> str:
        if self._simulator is None:
            self._simulator = _take()
        self.commands, self.score, self.over = [], 0, False
        self._simulator.load(self.episode.task, self.episode.variation, self.episode.simplified)
        seen, _ = self._simulator.reset()
        return f"{self._simulator.get_task_description().strip()}\n{seen.strip()}"

    def _do(self, command: str) -> str:
        seen, _, self.over, facts = self._simulator.step(command)
        self.commands.append(command)
        self.score = int(facts["score"])
        return str(seen).strip() or "Nothing is seen."

    def _replay(self, commands: Sequence[str]) -> None:
        self._start()
        for command in commands:
            self._do(command)
