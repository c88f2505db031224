"""A memory by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrimp.core.errors import InputError
from scrimp.memory.notebook import Notebook
from scrimp.testing.harness import WordEmbedder

NAMES = "Cleo, Dan, Eve, Finn, Gus, Hal, Ida, Jon, Kim, Lea, Max, Nia, Olaf and Pia"

pytestmark = pytest.mark.anyio


async def test_notes_are_found_by_words_and_by_meaning(tmp_path: Path) -> None:
    async with Notebook(tmp_path / "n.sqlite", owner="ann", embedder=WordEmbedder()) as notes:
        kept = await notes.add("Ann moved to Bergen in May.", source="talk 3", at=100.0)
        await notes.add("安娜喜欢喝绿茶", source="talk 4")
        assert kept.sources == ("talk 3",)
        assert [one.item.text for one in await notes.search("喝绿茶", 1)] == ["安娜喜欢喝绿茶"]
        assert (await notes.search("Where did Ann move?"))[0].item.id == kept.id
        assert [one.item.id for one in await notes.search("Bergen", at=50.0)] != [kept.id], "it held later only"
        assert [one.text for one in await notes.show([kept.id])] == ["Ann moved to Bergen in May."]
        with pytest.raises(InputError, match="no note has the id 'zzz'"):
            await notes.show([kept.id, "zzz"])
        with pytest.raises(InputError, match="empty"):
            await notes.add("  ")
        stats = await notes.stats()
        assert (stats["records"], stats["vectors"], stats["kinds"]) == (2, 2, {"note": 2})


async def test_notes_that_say_the_same_are_merged() -> None:
    async with Notebook(owner="ann", embedder=WordEmbedder()) as notes:
        for number, text in enumerate([
            "Ann likes green tea.", "ann likes GREEN tea", f"Ben plays chess with {NAMES}",
            "Ann likes green tea a lot", f"Ben plays chess with {NAMES} now",
        ]):  # fmt: skip
            await notes.add(text, source=f"s{number}")
        done = await notes.consolidate()
        assert (done.before, done.merged) == (5, 2)
        texts = {note.text: note.sources for note in await notes.newest()}
        assert texts == {
            "Ann likes green tea a lot": ("s3",), "ann likes GREEN tea": ("s0", "s1"),
            f"Ben plays chess with {NAMES} now": ("s2", "s4"),
        }  # fmt: skip
        assert (await notes.consolidate()).merged == 0


async def test_what_is_exported_can_be_imported_elsewhere() -> None:
    async with (
        Notebook(owner="ann", embedder=WordEmbedder()) as notes,
        Notebook(owner="ben", embedder=WordEmbedder()) as other,
    ):
        first = await notes.add("walrus", source="s", data={"level": 2})
        rows = [row async for row in notes.export()]
        asked = len(other._embedder.batches)
        assert await other.load(rows) == 1
        assert len(other._embedder.batches) == asked, "a vector of the same embedder is not made anew"
        (again,) = await other.show([first.id])
        assert (again.text, again.sources, again.data) == ("walrus", ("s",), {"level": 2})
        assert await other.search("walrus")
        with pytest.raises(InputError, match="line 2 is no note"):
            await other.load([{**rows[0], "id": "x"}, {"nonsense": 1}])
        assert len(await other.newest()) == 1, "nothing was kept of a file that is wrong"
        assert await notes.forget([first.id]) == 1
        assert await notes.newest() == []
