"""TextWorld and ScienceWorld: the same seed is the same world, gold wins, clones go their own way.

Skipped where a package or Java is missing.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import pytest

from scrimp.core.errors import InputError, UnknownName
from scrimp.evaluate.benchmarks.catalog import closed
from scrimp.evaluate.benchmarks.checking import right_answer
from scrimp.evaluate.benchmarks.entries import BENCHMARKS
from scrimp.evaluate.benchmarks.scienceworld import VARIATIONS, ScienceWorldTasks
from scrimp.evaluate.benchmarks.textworld import TextWorldGames
from scrimp.evaluate.environments.command import LONGEST, command_of
from scrimp.evaluate.experiment import Experiment, run
from scrimp.evaluate.systems import baseline
from scrimp.testing import conformance

needs_textworld = pytest.mark.skipif(find_spec("textworld") is None, reason="the package textworld is not installed")
needs_science = pytest.mark.skipif(
    find_spec("scienceworld") is None or shutil.which("java") is None, reason="scienceworld or Java is not installed"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path))
    return tmp_path


def say(command: str) -> dict[str, Any]:
    return {"name": "act", "arguments": {"command": command}}


def test_commands_are_one_line_and_bounded() -> None:
    assert command_of(say("  open \n door ")) == "open door"
    for action in (
        {"name": "act"},
        {"name": "act", "arguments": {"command": 7}},
        say(" "),
        {"name": "do", "arguments": {}},
    ):
        assert getattr(command_of(action), "status", "") == "error"
    assert getattr(command_of(say("x" * (LONGEST + 1))), "status", "") == "error"


@needs_textworld
@pytest.mark.timeout(180)
def test_a_game_is_made_once_won_by_its_walkthrough_and_the_same_by_seed(home: Path) -> None:
    async def main() -> None:
        bench = TextWorldGames(rooms=2, objects=3, quest=2)
        task = next(iter(bench.tasks("dev")))
        answer = await right_answer(bench, task)
        assert answer.state == {"won": True, "score": 1, "max_score": 1, "moves": 2}
        assert (await bench.score(task, answer)).success
        made = next((home / "bench" / "textworld").glob("game-*/game.z8"))
        first, before = bench.environment(task), made.stat().st_mtime_ns
        one = await first.reset(task)
        command = str(bench.gold(task.id).steps[0].arguments["command"])
        twin = await first.clone()
        seen = (await twin.step(say(command), None)).text
        assert (first.state()["moves"], twin.state()["moves"]) == (0, 1)
        shutil.rmtree(home / "bench")
        again = bench.environment(task)
        assert await again.reset(task) == one, "a game that is made anew from its seed is the same"
        assert (await again.step(say(command), None)).text == seen
        assert made.stat().st_mtime_ns != before
        assert "$$" not in one, "the banner is not shown"
        assert ">" not in seen
        for world in (first, twin, again):
            await closed(world)
        way = [say("look"), say("inventory"), say(command)]
        await conformance.environment(lambda: bench.environment(task), task, way)

    anyio.run(main)


@needs_textworld
@pytest.mark.timeout(180)
def test_hints_and_an_oracle(home: Path) -> None:
    async def main() -> None:
        bench = TextWorldGames(rooms=2, objects=3, quest=2, hints="admissible")
        task = next(iter(bench.tasks("dev")))
        world = bench.environment(task)
        assert "You can: " in await world.reset(task)
        await closed(world)
        found = await run(Experiment(
            (baseline(),), "textworld?rooms=2&objects=3&quest=2", split="dev", model="oracle", n=1, out=home / "out"
        ))  # fmt: skip
        assert found["systems"][0]["effectiveness"]["mean"] == 1.0
        assert found["systems"][0]["metrics"]["steps_solved"]["value"] == 2.0

    anyio.run(main)


@needs_science
@pytest.mark.timeout(180)
def test_an_episode_is_won_by_the_simulators_way_and_has_a_world_of_its_own() -> None:
    async def main() -> None:
        bench = ScienceWorldTasks()
        task = next(task for task in bench.tasks("dev") if task.id.startswith("find-non-living-thing"))
        answer = await right_answer(bench, task)
        assert (await bench.score(task, answer)).success
        one, other = bench.environment(task), bench.environment(task)
        assert await one.reset(task) == await other.reset(task)
        await one.step(say("look around"), None)
        twin = await one.clone()
        await twin.step(say("inventory"), None)
        assert [world.state()["moves"] for world in (one, other, twin)] == [1, 0, 2]
        for world in (one, other, twin):
            await closed(world)
        await conformance.environment(lambda: bench.environment(task), task, [say("look around"), say("inventory")])

    anyio.run(main)


@needs_science
def test_the_splits_of_scienceworld_share_no_variation() -> None:
    bench = ScienceWorldTasks()
    names = {split: [task.id for task in bench.tasks(split)] for split in bench.splits}
    assert sum(map(len, names.values())) == len({name for one in names.values() for name in one})
    assert sum(map(len, names.values())) == sum(three[2] for three in VARIATIONS.values())
    assert len(names["test"]) == BENCHMARKS["scienceworld"].tasks
    with pytest.raises(UnknownName):
        bench.gold("boil:30")


@needs_textworld
def test_options_that_cannot_be() -> None:
    with pytest.raises(InputError, match="hints"):
        TextWorldGames(hints="all")
    with pytest.raises(InputError, match="1 to 50 rooms"):
        TextWorldGames(rooms=0)
    with pytest.raises(UnknownName):
        TextWorldGames().gold("test-1-3-6-4")
