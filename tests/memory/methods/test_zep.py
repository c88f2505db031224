"""Zep: facts have two times, contradicted ones end and are kept, names are resolved cheaply, reading asks nobody."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from scrimp.core.messages import Request
from scrimp.core.protocols import Query
from scrimp.core.records import Filter, Record
from scrimp.core.task import Episode
from scrimp.memory.methods.zep import SCOPE, Zep, contradict
from scrimp.memory.parts.communities import communities
from scrimp.memory.parts.names import resolve
from scrimp.models.scripted import ScriptedModel
from scrimp.testing import conformance
from scrimp.testing.harness import Bench

pytestmark = pytest.mark.anyio
DAY = 86_400.0
START = 1_900_000_000.0


def fact(text: str, **dates: str) -> dict[str, str]:
    source, target = text.split()[0], text.split()[-1]
    return {
        "source": source,
        "relation": "r",
        "target": target,
        "fact": text,
        "valid_at": "",
        "invalid_at": "",
        **dates,
    }


def reads(request: Request) -> str:
    """A model that states what each message says word for word, and takes 'X lives in Y' to exclude another Y."""
    text = request.messages[-1].text
    if request.prompt.startswith("zep-same"):
        return json.dumps({"same": [-1] * len(json.loads(text)["new"])})
    if request.prompt.startswith("zep-resolve"):
        given = json.loads(text)
        return json.dumps({"duplicate_facts": [], "contradicted_facts": [
            place for place, old in enumerate(given["known"]) if old.rsplit(" ", 1)[0] == given["new"].rsplit(" ", 1)[0]
        ]})  # fmt: skip
    said = re.search(r"Current message:\n(.*)\n", text)
    assert said is not None
    one = fact(said[1])
    if request.prompt.startswith("zep-entities"):
        return json.dumps({"entities": [one["source"], one["target"]]})
    return json.dumps({"facts": [one, {"source": "Nobody", "target": "Ann", "fact": "made up"}, "nonsense"]})


async def told(*messages: str, **options: Any) -> Bench:
    bench = Bench(ScriptedModel(reads), memory=Zep(cosine=0.2, **options))
    for number, text in enumerate(messages):
        await bench.ctx.remember(Episode(text, "ann", f"t{number}", START + number * DAY))
    return bench


async def facts(bench: Bench, **meant: Any) -> list[str]:
    return [one.text for one in await bench.ctx.store("ann", SCOPE).scan(Filter(kinds=("fact",), **meant))]


async def test_it_keeps_the_promises_of_a_memory() -> None:
    await conformance.memory(Zep)
    await conformance.memory(lambda: Zep(communities=True))


async def test_a_superseded_fact_ends_and_is_found_for_its_own_time() -> None:
    bench = await told("Ann lives in Oslo", "Ben plays chess", "Ann lives in Bergen")
    assert await facts(bench) == ["Ben plays chess", "Ann lives in Bergen"]
    assert await facts(bench, ended=True, at=START + DAY) == ["Ann lives in Oslo", "Ben plays chess"]
    old = (await bench.ctx.store("ann", SCOPE).scan(Filter(kinds=("fact",), ended=True)))[0]
    assert (old.valid_from, old.valid_to, old.ended) == (START, START + 2 * DAY, START + 2 * DAY)
    before = len([event for event in bench.events if event.kind == "model"])
    recalled = await bench.ctx.recall(Query("Where does Ann live?", "ann", 300))
    assert "Ann lives in Oslo (2030-03-17 to 2030-03-19)" in recalled.text
    assert "Ann lives in Bergen (2030-03-19 to now)" in recalled.text
    assert set(recalled.sources) >= {"t0", "t2"}
    assert len([event for event in bench.events if event.kind == "model"]) == before, "reading asks no model"


async def test_saying_it_again_adds_no_edge_but_a_source() -> None:
    bench = await told("Ann lives in Oslo", "Ann lives in Oslo")
    (one,) = await bench.ctx.store("ann", SCOPE).scan(Filter(kinds=("fact",)))
    assert one.sources == ("t0", "t1")
    assert not any(event.prompt == "zep-resolve@1" for event in bench.events), "an exact repetition asks nobody"
    entities = await bench.ctx.store("ann", SCOPE).scan(Filter(kinds=("entity",)))
    assert [one.text for one in entities] == ["Ann", "Oslo"]


CASES = [
    # old from, old to, new from, new to: what becomes of the old one
    ((1, None), (5, None), 5), ((1, 9), (5, None), 5), ((1, 5), (5, None), None), ((1, 4), (5, None), None),
    ((5, None), (1, 5), None), ((5, None), (1, 4), None), ((5, None), (1, None), None), ((5, None), (5, None), None),
    ((None, None), (5, None), None), ((1, None), (None, None), None),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "end"), CASES)
def test_intervals_decide_what_a_contradiction_ends(old: Any, new: Any, end: float | None) -> None:
    found = contradict(
        Record("o", valid_from=old[0], valid_to=old[1]), Record("n", valid_from=new[0], valid_to=new[1]), 99.0
    )
    assert (None if found is None else (found.valid_to, found.ended)) == (None if end is None else (end, 99.0))


@pytest.mark.parametrize(("name", "means"), [
    ("ann  MILLER", 0), ("Zoë", 2), ("Zoe", 2), ("Christopher Wainwrightt", 1), ("Bob", None), ("Anna Miller", None),
    ("王小明", 4), ("AAAAAAAB", None),
])  # fmt: skip
def test_names_are_resolved_without_a_model_where_that_is_safe(name: str, means: int | None) -> None:
    assert resolve(name, ["Ann Miller", "Christopher Wainwright", "Zoe", "Bo", "王小明", "AAAAAAAA"]) == means


def test_communities_are_those_that_are_joined_most() -> None:
    inside = [("a", "b"), ("b", "c"), ("c", "a"), ("x", "y"), ("y", "z"), ("z", "x")]
    found = communities([*"abcxyz", "lone"], [*inside, *inside, ("a", "x")])
    assert len({found[one] for one in "abc"}) == len({found[one] for one in "xyz"}) == 1
    assert found["a"] != found["x"]
    assert found["lone"] == "lone"


async def test_what_a_model_makes_up_or_breaks_changes_nothing() -> None:
    bench = Bench(ScriptedModel(["no JSON"], repeat=True), memory=Zep())
    await bench.ctx.remember(Episode("Ann lives in Oslo", "ann", "t0", START))
    assert await facts(bench) == []
    assert [event.retry for event in bench.events if event.kind == "model"] == ["", "repair"]
    bench = await told("Ann lives in Oslo")
    assert await facts(bench) == ["Ann lives in Oslo"], "a fact about somebody whom nobody named is left out"
