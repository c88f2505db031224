"""ToolkenGPT: rows of a frozen model's head are learned, rank tools, and are decoded among words."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from scrimp.core.errors import InputError
from scrimp.core.messages import ToolCall
from scrimp.core.protocols import Dataset, Look, Query
from scrimp.core.task import Task
from scrimp.core.tool import Tool
from scrimp.core.usage import Usage
from scrimp.models.scripted import ScriptedModel
from scrimp.testing import Bench
from scrimp.tools.select.toolkengpt import ToolkenGPT, fit
from scrimp.tools.sources.python import tool

SUBJECTS = ("weather", "trains", "money", "music", "letters", "birds", "bread", "ships")


def rows(each: int, tools: int = 8, seed: int = 0) -> list[dict[str, Any]]:
    """Questions that say in one word which tool they need."""
    rng = random.Random(seed)
    forms = ("Tell me about {} in {}", "What of {} for {}", "{} near {}, please", "I want {} from {}")
    return [
        {"query": rng.choice(forms).format(subject, f"{rng.randint(1, 99)}"), "tools": [f"find_{subject}"]}
        for subject in SUBJECTS[:tools] for _ in range(each)
    ]  # fmt: skip


class Words:
    """A frozen model whose states count words where a call may begin, and that goes on with what it is told to."""

    name = "random"

    def __init__(self, goes_on: Mapping[str, str] | None = None, begins: tuple[str, ...] = ("Answer:",)) -> None:
        self.goes_on, self.begins, self.read_texts = goes_on or {}, begins, []
        self.vectors = {word: np.eye(16, dtype=np.float32)[place] for place, word in enumerate(SUBJECTS)}

    async def read(self, text: str, look: Look) -> tuple[Mapping[str, Any], Usage]:
        self.read_texts.append(text)
        state = sum((self.vectors[word] for word in SUBJECTS if word in text), np.zeros(16, dtype=np.float32))
        if not text.endswith(self.begins):
            state = 0 * state
        found: dict[str, Any] = {"states": state[None, :]}
        if look.top:
            ending = next((end for end in self.goes_on if text.endswith(end)), "")
            words = [self.goes_on.get(ending, "\n"), " then", "\n"]
            found |= {"tokens": words, "logits": np.array([2.0, 1.0, 0.0], dtype=np.float32), "lse": 2.5}
        return found, Usage(input=len(text.split()))


def trained(where: Path, model: Any, each: int = 10, **options: Any) -> tuple[ToolkenGPT, Bench, dict[str, Any]]:
    bench = Bench(hidden=model)
    toolken = ToolkenGPT(str(where / "head.npz"), **{"rate": 0.05, **options})
    artifact = anyio.run(toolken.train, Dataset(tuple(rows(each)), "made up"), bench.ctx)
    return ToolkenGPT(artifact.path, artifact.hash, k=2), bench, dict(artifact.facts)


def offered(toolken: ToolkenGPT, model: Any, query: str, tools: int = 8) -> tuple[list[str], Bench]:
    async def main() -> list[str]:
        await toolken.index([Tool(f"find_{name}", "x" * 200, {}) for name in SUBJECTS[:tools]], bench.ctx)
        return [one.item.name for one in await toolken.select(Query(query), bench.ctx)]

    bench = Bench(hidden=model)
    return anyio.run(main), bench


def test_the_row_that_was_learned_comes_first(tmp_path: Path) -> None:
    model = Words()
    toolken, bench, facts = trained(tmp_path, model)
    assert facts["right_of_trained"] == 1.0
    assert len(model.read_texts) == 80, "states are read once, however many epochs follow"
    assert bench.ledger.total.calls == 80
    for subject in SUBJECTS:
        assert offered(toolken, model, f"Something new on {subject}")[0][0] == f"find_{subject}"


def test_tokens_read_do_not_grow_with_the_tools(tmp_path: Path) -> None:
    model = Words()
    toolken, _, _ = trained(tmp_path, model)
    read = {n: offered(toolken, model, "Tell me of birds", n)[1].ledger.total.tokens.total for n in (2, 4, 8)}
    assert len(set(read.values())) == 1


def test_adding_a_tool_leaves_the_old_rows_untouched(tmp_path: Path) -> None:
    where = str(tmp_path / "head.npz")
    bench = Bench(hidden=Words())
    first = anyio.run(ToolkenGPT(where, rate=0.05).train, Dataset(tuple(rows(10, 6))), bench.ctx)
    old = np.load(first.path)["weights"]
    second = anyio.run(ToolkenGPT(where, rate=0.05).train, Dataset(tuple(rows(10, 8))), bench.ctx)
    new = np.load(second.path)["weights"]
    assert (len(old), len(new)) == (6, 8)
    assert np.array_equal(new[:6], old)
    assert second.facts["tools"][6:] == ["find_bread", "find_ships"] or len(second.facts["tools"]) == 8
    third = anyio.run(ToolkenGPT(where, rate=0.05).train, Dataset(tuple(rows(3, 2))), bench.ctx)
    assert len(third.facts["tools"]) == 2, "all were known, so these are learned anew"
    with pytest.raises(InputError, match="rows that need a tool"):
        anyio.run(ToolkenGPT(where).train, Dataset(({"query": "x", "tools": []},)), bench.ctx)


def test_text_that_goes_on_is_negative_evidence() -> None:
    rng = np.random.default_rng(0)
    states = rng.normal(size=(200, 8)).astype(np.float32)
    labels = np.where(states[:, 0] > 0, 0, -1)
    words = np.zeros(200, dtype=np.float32)
    weights = fit(states, labels, words, 1, 0.05, 10, np.random.default_rng(1))
    called = (states @ weights.T)[:, 0] > 0
    assert (called == (labels == 0)).mean() > 0.95


@tool
def find_birds(place: str) -> str:
    """Birds of a place.

    Args:
        place: Where.
    """
    if place == "nowhere":
        raise LookupError("no such place")
    return "12"


def said(bias: float, where: Path, place: str = "Oslo") -> tuple[str, Bench]:
    model = Words({"Answer:": " There", " There": " are", "12": "3", "are": " none"})
    toolken, _, _ = trained(where, model)
    toolken.bias = bias
    call = ToolCall("1", "find_birds", {"place": place})
    bench = Bench(ScriptedModel([[call]], repeat=True), hidden=model, tools=[find_birds])
    return anyio.run(toolken.solve, Task("1", "How many birds?"), bench.ctx).text, bench


def test_reasoning_and_tool_mode(tmp_path: Path) -> None:
    text, bench = said(1.5, tmp_path)
    assert text.startswith("12 then"), "the result stands in the text, and no digit may follow it"
    (asked, *_) = bench.means.model("main").requests
    assert [spec.name for spec in asked.tools] == ["find_birds"]
    assert "birds" in asked.messages[0].text
    assert "weather" not in asked.messages[0].text, "examples of that tool only"


def test_the_call_rate_rises_with_the_bias(tmp_path: Path) -> None:
    calls = []
    for number, bias in enumerate((-20.0, 0.0, 1.5, 20.0)):
        _, bench = said(bias, tmp_path / f"{number}")
        calls.append(sum(event.kind == "tool" for event in bench.events))
    assert calls == sorted(calls)
    assert calls[0] == 0 < calls[-1]


def test_after_a_failed_call_the_next_best_token_is_taken(tmp_path: Path) -> None:
    text, bench = said(1.5, tmp_path, "nowhere")
    assert text.startswith("There are")
    assert sum(event.kind == "tool" for event in bench.events) >= 1


def test_mistakes_are_told(tmp_path: Path) -> None:
    bench = Bench(hidden=Words())
    with pytest.raises(InputError, match="has to be trained first"):
        anyio.run(ToolkenGPT().index, [], bench.ctx)
    with pytest.raises(InputError, match="row 0 has no query"):
        anyio.run(ToolkenGPT(str(tmp_path / "x.npz")).train, Dataset(({"tools": []},)), bench.ctx)
    with pytest.raises(ValueError, match="at least 1"):
        ToolkenGPT(k=0)


def test_tools_are_told_apart_on_a_random_model(tmp_path: Path) -> None:
    """The random model of two layers, whose states hold the letters of a text somehow."""
    pytest.importorskip("torch")
    from scrimp.models.whitebox import RANDOM, WhiteBox

    model = WhiteBox(RANDOM, tmp_path)
    toolken, _, facts = trained(tmp_path, model, each=12, rate=0.02, epochs=30)
    asked = rows(3, seed=9)
    right = sum(offered(toolken, model, row["query"])[0][0] == row["tools"][0] for row in asked)
    assert facts["right_of_trained"] > 0.3
    assert right / len(asked) > 2 / 8, "well above chance"
