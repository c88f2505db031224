"""Systems as data: read from TOML with one clear line for every mistake, and hashed by what matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError
from scrimp.core.prompt import Prompt
from scrimp.core.registry import load
from scrimp.core.system import Part, System

TOML = """
model = "local"
planner = { name = "react", max_steps = 4 }
selector = "top-k"
temperature = 0.5
budget = { usd = "0.02", tokens = 500 }

[models]
judge = "small"

[[transform]]
name = "window"
turns = 3
"""


def read(tmp_path: Path, text: str) -> System:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return System.from_toml(file)


def test_a_system_is_read_from_toml(tmp_path: Path) -> None:
    system = read(tmp_path, TOML)
    assert system.name == "mine"
    assert system.planner == Part("react", {"max_steps": 4})
    assert system.part("selector") == Part("top-k")
    assert system.part("gate") is None
    assert system.transforms == (Part("window", {"turns": 3}),)
    assert system.budget == Budget(usd="0.02", tokens=500)
    assert system.models == {"judge": "small"}
    assert read(tmp_path, TOML + "\n").hash({}) == system.hash({})


def test_a_system_survives_its_own_data(tmp_path: Path) -> None:
    for system in (System(), read(tmp_path, TOML), System(memory="m", gate="g", seed=3, effort="low", name="名")):
        again = System.from_data(system.to_json())
        assert again == system
        assert again.to_json() == system.to_json()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("planer = 'react'", "no key of a System is called 'planer' (did you mean planner?)"),
        ("planner = 3", "planner is 3 (it takes text or a table)"),
        ("planner = { max_steps = 3 }", "needs a name"),
        ("max_output = true", "max_output is True (it takes int)"),
        ("max_output = 0", "max_output is 0"),
        ("temperature = 'hot'", "temperature is 'hot'"),
        ("budget = { usd = 'x' }", "budget usd='x' is not a number"),
        ("budget = { dollars = 1 }", "no budget key is called 'dollars'"),
        ("budget = 5", "budget is 5 (it takes a table)"),
        ("models = ['a']", "models is ['a'] (it takes a table)"),
        ("tool_text = 'xml'", "tool_text is 'xml' (json or signature)"),
        ("transforms = 'window'", "transforms is 'window' (it takes a list)"),
        ("transforms = [3]", "a part of a System needs a name, got 3"),
        ("model = ", "is not valid TOML"),
        ("model = 'a'\nmodel = 'b'", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read System"):
        System.from_toml(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not valid TOML"):
        System.from_toml(tmp_path / "b.toml")


BASE = System(planner=Part("react", {"max_steps": 4}))


@pytest.mark.parametrize(
    "changes",
    [
        {"planner": Part("react", {"max_steps": 5})}, {"planner": "plan-then-execute"}, {"selector": "top-k"},
        {"context": "sliding-window"}, {"model": "small"}, {"models": {"judge": "small"}}, {"temperature": 0.1},
        {"seed": 1}, {"effort": "low"}, {"max_output": 9}, {"parallel_calls": False}, {"tool_text": "signature"},
        {"budget": Budget(usd=1)}, {"embedder": "other"}, {"transforms": ("window",)},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_the_hash_covers_what_a_comparison_varies(changes: dict[str, Any]) -> None:
    assert BASE.with_(**changes).hash({}) != BASE.hash({})


def test_the_hash_leaves_out_name_and_prices() -> None:
    assert BASE.with_(name="x", prices="other").hash({}) == BASE.hash({})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (System(temperature=0), System(temperature=0.0)),
        (System(budget={"usd": "0.02"}), System(budget={"usd": "0.020"})),
        (System(budget={"usd": 1, "tokens": 2}), System(budget={"tokens": 2, "usd": 1})),
        (System(planner="react"), System(planner={"name": "react"})),
    ],
    ids=["number", "decimal", "order", "part"],
)
def test_equal_systems_have_equal_hashes(one: System, other: System) -> None:
    assert one == other
    assert one.hash({}) == other.hash({})


def test_the_hash_covers_model_files_and_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert BASE.hash({"local": "sha-1"}) != BASE.hash({"local": "sha-2"})
    roles = BASE.with_(models={"judge": "small"})
    assert roles.hash({"small": "sha-1"}) != roles.hash({"small": "sha-2"})
    before = BASE.hash({})
    monkeypatch.setattr(load("planner", "react"), "prompts", (Prompt("react", 2, "Do it differently."),))
    assert BASE.hash({}) != before
