"""MemoRAG: one reading of the corpus, clues from it, chunks by the clues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from scrimp.core.errors import InputError
from scrimp.core.messages import Request
from scrimp.core.protocols import Query
from scrimp.core.records import Filter
from scrimp.core.task import Episode
from scrimp.memory.methods.memorag import CHUNK, SCOPE, MemoRAG
from scrimp.memory.parts.chunks import chunks
from scrimp.models.scripted import ScriptedModel
from scrimp.models.tokens import estimate
from scrimp.testing import conformance
from scrimp.testing.harness import Bench

pytestmark = pytest.mark.anyio

PLANTED = {
    5: ("Who keeps a pet that purrs?", "Mirela feeds her tabby kitten sardines"),
    17: ("谁会弹琴？", "周敏每天晚上练习小提琴"),
    28: ("Which guest arrived by water?", "Anselm sailed over from Gotland in a dinghy"),
    36: ("Who is unwell?", "Tobias has been coughing with a fever since Monday"),
}  # fmt: skip
"""Turn -> an implicit question, which shares no word with its evidence, and the evidence."""


def turn(number: int) -> str:
    filler = " ".join(f"errand{(number * 37 + place) % 997} done" for place in range(120))
    return f"{PLANTED[number][1]}. {filler}" if number in PLANTED else filler


def clues(request: Request) -> str:
    """A clue writer that remembers what stood in its memory; it writes nothing that does not."""
    if not request.prompt.startswith("memorag-spans"):
        return "Say it again."
    asked = request.messages[-1].text
    return next(
        (said for question, said in PLANTED.values() if question in asked and said in request.messages[0].text), ""
    )


def bench(memory: MemoRAG, model: Any = clues) -> Bench:
    return Bench(ScriptedModel(model), memory=memory)


async def lay_in(one: Bench, owner: str = "ann", turns: int = 40) -> None:
    for number in range(turns):
        await one.ctx.remember(Episode(turn(number), owner, f"t{number}", 100.0 + number))
    await one.ctx.manage()


def prompts(one: Bench) -> Mapping[str, int]:
    return Counter(event.prompt.partition("@")[0] for event in one.events if event.prompt)


@pytest.mark.parametrize("lite", [False, True])
async def test_it_keeps_the_promises_of_a_memory(lite: bool) -> None:
    await conformance.memory(lambda: MemoRAG(lite=lite))


async def test_clues_find_what_an_implicit_question_does_not() -> None:
    found: dict[str, int] = {"clues": 0, "question": 0}
    for name, writer in (("clues", clues), ("question", lambda request: "")):
        one = bench(MemoRAG(), writer)
        await lay_in(one)
        for number, (question, _) in PLANTED.items():
            recalled = await one.ctx.recall(Query(question, "ann", 1536))
            found[name] += f"t{number}" in recalled.sources
    assert found["clues"] == len(PLANTED)
    assert found["clues"] - found["question"] >= 0.2 * len(PLANTED)


async def test_the_corpus_is_read_once_and_a_question_costs_a_tenth_of_it() -> None:
    one = bench(MemoRAG(hits=1))
    await lay_in(one)
    corpus = sum(estimate(turn(number)) for number in range(40))
    built = prompts(one)
    assert built == {"memorag-memorise": 1}
    for question, _ in PLANTED.values():
        recalled = await one.ctx.recall(Query(question, "ann", corpus // 10))
        assert estimate(recalled.text) <= 0.1 * corpus
    assert prompts(one) == {"memorag-memorise": 1, "memorag-spans": 4, "memorag-questions": 4}
    requests = one.means.model("main").requests  # type: ignore[attr-defined]
    assert len({request.messages[0].hash for request in requests}) == 1, "one beginning, so its keys and values serve"
    assert len({request.prefix for request in requests}) == 1
    assert requests[0].prefix
    assert {event.phase for event in one.events if event.kind == "model"} == {"manage", "read"}


async def test_what_is_added_changes_the_last_chunk_only() -> None:
    one = bench(MemoRAG())
    await lay_in(one)
    records = one.ctx.store("ann", SCOPE)
    before = {record.id: record.text for record in await records.scan(Filter(kinds=(CHUNK,)))}
    await one.ctx.remember(Episode("A new thing happened.", "ann", "t40", 200.0))
    await one.ctx.manage()
    after = {record.id: record.text for record in await records.scan(Filter(kinds=(CHUNK,)))}
    changed = [id for id, text in after.items() if before.get(id) != text]
    assert len(changed) == 1
    assert "A new thing happened." in after[changed[0]]


async def test_lite_remembers_gists_and_makes_each_once() -> None:
    def writer(request: Request) -> str:
        return (
            "Errands were done; Mirela feeds her tabby kitten sardines." if "gist" in request.prompt else clues(request)
        )

    one = bench(MemoRAG(lite=True), writer)
    await lay_in(one)
    gists = prompts(one)["memorag-gist"]
    assert gists >= 2
    assert (await one.ctx.recall(Query(PLANTED[5][0], "ann", 1536))).sources.count("t5") == 1
    await one.ctx.remember(Episode("A new thing happened.", "ann", "t40", 200.0))
    await one.ctx.manage()
    assert prompts(one)["memorag-gist"] <= gists + 1
    memory = one.means.model("main").requests[-1].messages[0].text  # type: ignore[attr-defined]
    assert estimate(memory) < 0.1 * sum(estimate(turn(number)) for number in range(40))


async def test_a_corpus_beyond_the_window_is_refused_with_the_remedy() -> None:
    one = bench(MemoRAG())
    await one.ctx.remember(Episode("word " * 200_000, "ann", "t"))
    with pytest.raises(InputError, match="does not fit a window") as error:
        await one.ctx.manage()
    assert error.value.remedy == "lite = true"


async def test_a_draft_is_shown_as_a_guess_and_short_clues_are_dropped() -> None:
    def writer(request: Request) -> str:
        return "too short" if "spans" in request.prompt else "Perhaps Mirela." if "draft" in request.prompt else ""

    one = bench(MemoRAG(draft=True), writer)
    await lay_in(one, turns=8)
    recalled = await one.ctx.recall(Query("Who keeps a pet that purrs?", "ann", 1000))
    assert recalled.text.startswith("The answer might be: Perhaps Mirela.")
    embedded = [event for event in one.events if event.kind == "embed" and event.phase == "read"]
    assert len(embedded) == 1


@pytest.mark.parametrize("size", [20, 64, 512])
async def test_chunks_keep_their_size_and_lose_no_word(size: int) -> None:
    texts = [(turn(number), (f"t{number}",)) for number in range(6)] + [
        ("很长的一句话没有停顿" * 40, ("z",)),
        ("", ("e",)),
    ]
    made = chunks(texts, size, estimate)
    assert all(estimate(one.text) <= size for one in made)
    assert "".join("".join(one.text.split()) for one in made) == "".join("".join(text.split()) for text, _ in texts)
    assert made[-1].sources[-1] == "z"
