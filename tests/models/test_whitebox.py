"""A white-box model behind `ctx.hidden`: what it shows, what it costs, and that a replay gives it again."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from scrimp.core.errors import BudgetExceeded, DoorClosed, InputError, MissingExtra
from scrimp.core.protocols import Hidden, Look
from scrimp.core.task import Task, task_to_json
from scrimp.journal.journal import Journal, RunRecord
from scrimp.models import whitebox
from scrimp.models.whitebox import RANDOM, WhiteBox
from scrimp.testing import Bench

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
import numpy as np  # noqa: E402

TEXT = "What is 2 + 2? It is"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> WhiteBox:
    return WhiteBox(RANDOM, tmp_path_factory.mktemp("home"))


def test_what_it_shows(model: WhiteBox) -> None:
    async def main() -> None:
        found, usage = await model.read(TEXT, Look("all", top=5, cache=True))
        assert usage.input == len(TEXT)
        assert found["states"].shape == (len(TEXT), whitebox.HIDDEN)
        assert found["cache"].shape == (2, 2, 4, len(TEXT), whitebox.HIDDEN // 4)
        assert len(found["tokens"]) == 5
        assert list(found["logits"]) == sorted(found["logits"], reverse=True)
        # The head is known: the logits are those of the last state, and lse sums over the whole vocabulary.
        logits = found["states"][-1] @ model._loaded[0].lm_head.weight.detach().numpy().T
        assert np.allclose(found["logits"], np.sort(logits)[::-1][:5], atol=1e-5)
        assert found["lse"] == pytest.approx(float(np.log(np.exp(logits).sum())), abs=1e-4)
        last, _ = await model.read(TEXT, Look())
        assert np.allclose(last["states"], found["states"][-1:], atol=1e-6)
        assert set(last) == {"states"}
        empty, usage = await model.read("", Look())
        assert (empty["states"].shape[0], usage.input) == (1, 1)
        with pytest.raises(InputError, match="reads 2048 tokens, not 2049"):
            await model.read("x" * 2049, Look())

    assert isinstance(model, Hidden)
    anyio.run(main)


def test_the_random_model_is_the_same_everywhere(model: WhiteBox, tmp_path: Path) -> None:
    async def main() -> None:
        torch.manual_seed(7)
        other, _ = await WhiteBox(RANDOM, tmp_path).read(TEXT, Look())
        mine, _ = await model.read(TEXT, Look())
        assert np.allclose(other["states"], mine["states"], atol=1e-6)

    anyio.run(main)


def test_it_is_metered_and_a_replay_gives_it_again(model: WhiteBox, tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path / "journal.sqlite")
        first = Bench(hidden=model, sink=journal)
        journal.begin(RunRecord(first.run_id, task_to_json(Task("1", TEXT)), {"model": "scripted"}))
        seen = await first.ctx.hidden(TEXT, Look(top=3))
        assert first.ledger.total.tokens.input == len(TEXT)
        assert first.ledger.total.cost.least > 0
        assert first.witness.faults == []
        recording = journal.recording(first.run_id, strict=True)
        replay = Bench(hidden=Refusing(), recording=recording, run_id=first.run_id)
        again = await replay.ctx.hidden(TEXT, Look(top=3))
        assert np.array_equal(again["states"], seen["states"])
        assert (again["tokens"], again["lse"]) == (seen["tokens"], seen["lse"])

    anyio.run(main)


class Refusing:
    name = RANDOM

    async def read(self, text: str, look: Look) -> None:
        raise AssertionError("a replay reads nothing")


def test_the_budget_holds(model: WhiteBox) -> None:
    async def main() -> None:
        with pytest.raises(BudgetExceeded, match="tokens"):
            await Bench(hidden=model, budget={"tokens": 10}).ctx.hidden(TEXT)
        with pytest.raises(DoorClosed, match="nothing behind that door"):
            await Bench().ctx.hidden(TEXT)

    anyio.run(main)


def test_a_model_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no GGUF file"):
        WhiteBox("gguf:nothing.gguf", tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="needs the package torch"):
        WhiteBox(RANDOM, tmp_path)
