"""Remedies together: chosen one by one, billed at once, written down as a System."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from billed import BOOK, BY_NAME, CLAUDE, five_steps, long_run
from recorded import call, run, trace, words

from scrimp.audit.bill import Biller
from scrimp.audit.combination import Combination, combine, config, emit_config, takes
from scrimp.audit.draft import apply_all, draft
from scrimp.audit.measure import Run, measure
from scrimp.audit.savings import Savings
from scrimp.audit.sums import net_of
from scrimp.core.errors import InputError
from scrimp.core.messages import system
from scrimp.core.money import Money
from scrimp.core.system import Part, System
from scrimp.core.toml import toml

WORDS = {"title": "t", "share": 0.1, "exactness": "exact", "assumes": "something\nover two lines"}


def together(runs: list[Run]) -> Combination:
    savings = Savings()
    for one in runs:
        savings.add(one)
    return combine(runs, savings.shares())


def rows_of(*runs: Any) -> list[dict[str, Any]]:
    savings = Savings()
    for one in runs:
        savings.add(one)
    found: list[dict[str, Any]] = savings.to_json(Money.priced(savings.cost, "x"), 1.0, None)["remedies"]
    return found


def test_they_are_billed_together_and_not_added_up() -> None:
    runs = [long_run(steps=25), long_run(steps=20)]
    found = together(runs)
    names = [remedy.name for remedy in found.chosen]
    assert "prompt-cache" in names
    assert len(names) >= 2
    at_once = Decimal(0)
    for one in runs:
        biller = Biller(one)
        at_once += net_of(biller.bill(draft(one)), biller.bill(apply_all(found.chosen, one)), "recorded") or 0
    assert found.net == at_once
    document = found.to_json(found.cost, Decimal(2))
    assert 0 < document["net"] < document["sum_of_single"]
    assert document["share"] == pytest.approx(float(found.net / found.cost))
    assert document["interval"][0] <= document["net"] <= document["interval"][1]
    assert document["per_month"] == pytest.approx(2 * document["net"])
    assert document["exact_only"] < document["net"]
    assert document["exactness"] == "behavioural"


def test_only_one_of_those_that_do_the_same() -> None:
    names = {remedy.name for remedy in together([long_run(steps=40)]).chosen}
    assert len(names & {"window", "clear-tool-results", "rolling-summary"}) <= 1


def test_what_saves_only_beside_another_is_found() -> None:
    """A time in the system prompt breaks the cache: neither the layout nor the cache saves anything alone."""
    turns: list[object] = [words(60)]
    for at in range(5):
        turns += [[call("search", f"c{at}", q=at)], {f"c{at}": f"{at}{words(60)}"}]
    recorded = trace(*turns, ("ok",), instructions="x", gap=2.0)
    for number, step in enumerate(recorded.steps):
        first = system(f"Now: 10:0{number}\n" + words(3000))
        step.request = step.request.with_(messages=(first, *step.request.messages[1:]))
    found = together([measure(recorded, BOOK)])
    assert [remedy.name for remedy in found.chosen] == ["cache-layout", "prompt-cache"]
    assert abs(found.alone) < found.cost / 1000
    assert found.net > found.cost / 4


def test_dollars_are_scaled_to_all_runs() -> None:
    found = together([five_steps()])
    document = found.to_json(10 * found.cost, None)
    assert document["net"] == pytest.approx(10 * float(found.net))
    assert document["share"] == pytest.approx(float(found.net / found.cost))
    assert "per_month" not in document


def test_runs_without_a_price_are_left_out_and_counted() -> None:
    found = together([long_run(), long_run("acme:one")])
    assert (found.runs, found.unpriced) == (2, 1)
    assert found.net == together([long_run()]).net
    none = together([long_run("acme:one")])
    assert none.chosen == []
    assert none.to_json(None, None)["share"] is None
    assert together([]).chosen == []
    assert together([run("hi", ("Hello.",))]).chosen == []


# -- as a System -------------------------------------------------------------------------------------


def test_the_chosen_ones_become_a_system(tmp_path: Path) -> None:
    """Every remedy at once: what no System can express stays a comment, the rest is read back as it was meant."""
    runs = [long_run(), long_run(CLAUDE)]
    rows = [
        {"name": remedy.name, "title": remedy.title, "share": 0.1, "exactness": remedy.exactness,
         "assumes": remedy.assumes, "settings": remedy.settings()}
        for remedy in BY_NAME.values()
    ]  # fmt: skip
    path = tmp_path / "system.toml"
    emit_config(rows, list(BY_NAME), path, CLAUDE)
    read = System.from_toml(path)
    assert read.model == f"{CLAUDE}?cache=1h"
    assert read.effort == "low"
    assert read.parallel_calls is True
    parts = [Part.of(part) for part in read.transforms]
    wanted = [table for remedy in BY_NAME.values() for table in remedy.settings().get("transform", ())]
    assert [part.to_json() for part in parts] == wanted
    assert len(parts) >= 8
    text = path.read_text(encoding="utf-8")
    for name in BY_NAME:
        assert f"# {name}: " in text, name
    assert "# Nothing to switch on here" in text
    real = rows_of(*runs)
    emit_config(real, [row["name"] for row in real[:3]], path)
    assert "on these runs" in path.read_text(encoding="utf-8")
    System.from_toml(path)


def test_the_whole_file_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "x.toml"
    with pytest.raises(InputError, match="there is no folder"):
        emit_config([], [], path)
    assert not path.parent.exists()
    emit_config([], [], tmp_path / "x.toml")
    assert [item.name for item in tmp_path.iterdir()] == ["x.toml"]


def test_options_only_behind_models_that_know_them() -> None:
    rows = [
        {**WORDS, "name": "cache-lifetime", "settings": {"model": "?cache=1h"}},
        {**WORDS, "name": "flex-tier", "settings": {"model": "?service=flex"}},
    ]
    for model, written in (
        ("anthropic:claude-opus-5", "anthropic:claude-opus-5?cache=1h"),
        ("openai:gpt-5", "openai:gpt-5?service=flex"),
        ("openai:gpt-5?service=priority", "openai:gpt-5?service=priority"),
        ("google:gemini-2.5-pro", "google:gemini-2.5-pro"),
    ):
        read = tomllib.loads(config(rows, ["cache-lifetime", "flex-tier"], model))
        assert read["model"] == written
    text = config(rows, ["cache-lifetime"])
    assert "model" not in tomllib.loads(text)
    assert "# cache-lifetime is switched on by ?cache=1h" in text
    assert not takes("openai:gpt-4o", "?service=batch")  # there is a price for it, and no way to ask for it here


@pytest.mark.parametrize(
    "name", ["模型:名", 'a"b\\c', "line\nbreak", "tab\t", "\x7f", "\x00", "emoji 🙂", "broken \ud83d half", '"""']
)
def test_a_records_texts_do_not_end_a_string(name: str) -> None:
    read = tomllib.loads(config([], [], name))
    assert read["model"] == name.encode("utf-8", "replace").decode("utf-8")
    assert list(read) == ["model"]
    assert tomllib.loads(f"x = {toml(3)}\ny = {toml(True)}\nz = {toml([1, 2])}") == {"x": 3, "y": True, "z": [1, 2]}
