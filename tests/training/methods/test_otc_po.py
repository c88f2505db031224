"""OTC-PO: its rewards over the steps of a training, and (slow) a training that makes fewer calls."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from scrimp.core.errors import InputError
from scrimp.core.protocols import Dataset
from scrimp.core.registry import load
from scrimp.testing import Bench
from scrimp.training.methods.otc_po import OTCPO
from scrimp.training.parts.grpo import State, last_checkpoint
from scrimp.training.parts.trajectory import Trajectory


def test_it_is_the_registered_trainer() -> None:
    assert load("trainer", "otc-po") is OTCPO


def test_the_minimum_of_a_question_lasts_over_the_steps() -> None:
    method = OTCPO()
    first = method.rewards([Trajectory("a", 2, 1.0), Trajectory("a", 4, 1.0), Trajectory("a", 1, 0.0)])
    assert first == pytest.approx([1.0, 0.866, 0.0], abs=1e-3)
    later = method.rewards([Trajectory("a", 1, 1.0), Trajectory("a", 2, 1.0)])
    assert later == pytest.approx([1.0, 0.866], abs=1e-3), "two calls were the best once, and are not any more"
    assert method.state.fewest == {"a": 1}


def test_what_it_is_compared_with() -> None:
    rollouts = [Trajectory("a", 0, 0.0), Trajectory("a", 0, 1.0)]
    assert OTCPO(reward="correctness").rewards(rollouts) == [0.0, 1.0]
    assert OTCPO().rewards(rollouts) == [0.0, 1.0]
    added = OTCPO(reward="added").rewards(rollouts)
    assert added[0] > 0, "the additive control rewards a wrong answer without calls"


def test_what_the_reward_remembers_goes_into_a_checkpoint(tmp_path: Path) -> None:
    state = State()
    state.fewest = {"a": 1, "b": 0}
    for number in (3, 20, 100):
        (tmp_path / f"checkpoint-{number}").mkdir()
    state.save(tmp_path / "checkpoint-3")
    state.save(tmp_path / "checkpoint-20")
    found = last_checkpoint(tmp_path)
    assert found == tmp_path / "checkpoint-20", "a checkpoint that was cut off is passed over"
    other = State()
    other.load(found)
    assert other.fewest == state.fewest
    assert last_checkpoint(tmp_path / "nothing") is None


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match="reward is 'x'"):
        OTCPO(reward="x")
    with pytest.raises(ValueError, match="no whole groups"):
        OTCPO(batch=12, group=8)
    with pytest.raises(InputError, match="policy of a folder"):
        anyio.run(OTCPO().train, Dataset(), Bench().ctx)
    with pytest.raises(InputError, match="rows held out"):
        anyio.run(OTCPO("x", "y").train, Dataset(({"split": "train"},)), Bench().ctx)


SPEC = """
[data]
n = 64
held_out = 32
words = false
[policy]
hidden = 32
warm = { steps = 60, batch = 32, rate = 4e-3, calls = 0.6, guesses = 0.05 }
[parameters]
steps = 6
batch = 64
rate = 3e-3
every = 2
"""


def train(spec: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = ["-m", "scrimp.cli.main", "train", "otc-po", "--spec", str(spec), "--out", str(out), "--json", *more]
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_training_stops_at_its_budget_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    (tmp_path / "spec.toml").write_text(SPEC)
    first = train(tmp_path / "spec.toml", tmp_path / "out", "--budget", "steps=3")
    assert first.returncode == 0, first.stderr
    assert [point["step"] for point in json.loads(first.stdout)["curve"]] == [1, 2, 3]
    whole = train(tmp_path / "spec.toml", tmp_path / "out")
    document = json.loads(whole.stdout)
    assert [point["step"] for point in document["curve"]] == [1, 2, 3, 4, 5, 6]
    assert set(document) == {"method", "artifact", "curve", "before", "after", "spent", "break_even"}
    assert document["before"]["n"] == 32
    assert len(document["artifact"]["hash"]) == 64
    again = train(tmp_path / "spec.toml", tmp_path / "out")
    assert json.loads(again.stdout)["artifact"] == document["artifact"], "what is done is not done again"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_training_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    (tmp_path / "spec.toml").write_text(SPEC.replace("steps = 6", "steps = 40"))
    words = ["-m", "scrimp.cli.main", "train", "otc-po", "--spec", str(tmp_path / "spec.toml")]
    killed = subprocess.Popen([sys.executable, *words, "--out", str(tmp_path / "out")], stderr=subprocess.DEVNULL)
    marked = (tmp_path / "out" / "training").glob
    while not list(marked("checkpoint-*/reward.json")):
        assert killed.poll() is None, "it ended before it could be killed"
    killed.kill()
    killed.wait()
    done = train(tmp_path / "spec.toml", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert [point["step"] for point in json.loads(done.stdout)["curve"]] == list(range(1, 41))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fewer_calls_where_none_is_needed(tmp_path: Path) -> None:
    """The objective on sums alone, whose size says whether a call is needed."""
    pytest.importorskip("trl")
    calls = {}
    for reward in ("multiplied", "correctness"):
        spec = tmp_path / f"{reward}.toml"
        text = (
            SPEC.replace("n = 64", "n = 400").replace("steps = 6\n", "steps = 30\n").replace("every = 2", "every = 30")
        )
        spec.write_text(text.replace("steps = 60", "steps = 200") + f'reward = "{reward}"\n')
        done = train(spec, tmp_path / reward)
        assert done.returncode == 0, done.stderr
        curve = json.loads(done.stdout)["curve"]
        calls[reward] = sum(point["calls"] for point in curve[-5:])
    assert calls["multiplied"] < 0.9 * calls["correctness"]
