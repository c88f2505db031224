from __future__ import annotations

import io
import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from scrimp.cli.run import choose_system, read_task
from scrimp.cli.tool_files import load_tools
from scrimp.cli.values import all_tokens, plain, significant
from scrimp.core.errors import InputError, UnknownName
from scrimp.journal.journal import Journal

KEYS = {"run", "status", "answer", "ledger", "budget", "steps"}


def test_a_run_prints_one_document(scrimp, umbrella) -> None:
    said = scrimp(*umbrella, "--json", "--budget", "usd=0.02,seconds=30,tool_calls.weather=2", "--label", "team=search")
    found = said.json
    assert (said.code, said.err) == (0, "")
    assert set(found) == KEYS
    assert (found["status"], found["answer"], found["steps"]) == ("done", "Take an umbrella. 带伞", 2)
    assert found["budget"]["tool_calls.weather"] == {"limit": 2, "spent": 1, "reserved": 0, "kept": 0}
    total, parts = found["ledger"]["total"], found["ledger"]["components"].values()
    assert Decimal(total["cost"]["amount"]) == sum(Decimal(cell["cost"]["amount"]) for cell in parts) > 0
    assert total["cost"]["state"] == "priced"
    assert total["calls"] == 3
    record = Journal().run(found["run"])
    assert record.labels == {"team": "search"}
    assert record.budget["usd"] == "0.02"


def test_a_run_for_people(scrimp, umbrella) -> None:
    total = scrimp(*umbrella, "--json").json["ledger"]["total"]
    cost, tokens = f"${significant(float(total['cost']['amount']))}", str(all_tokens(total["tokens"]))
    said = scrimp(*umbrella, "--budget", "usd=0.02")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "Take an umbrella. 带伞"
    assert f", done, {cost}, {tokens} tokens, 2 steps, " in said.out
    assert "priced at the reference list" in said.out
    rows = {line.split()[0]: line.split() for line in lines if line.strip()}
    assert rows["planning"][1:4] == [cost, tokens, "2"]
    assert rows["tools"][1:4] == ["$0", "0", "1"]
    assert rows["usd"][1:] == ["0.02", plain(total["cost"]["amount"]), "<", "1", "%"]
    assert "\x1b" not in said.out


def test_the_budget_ends_a_run(scrimp, umbrella) -> None:
    said = scrimp(*umbrella, "--budget", "model_calls=1", "--json")
    assert said.code == 3
    assert said.json["status"] == "budget"
    assert said.json["ledger"]["total"]["calls"] == 2
    assert said.err.startswith("scrimp: budget model_calls=1 would be passed")
    assert said.err.count("\n") == 1


def test_a_failing_model_ends_a_run(scrimp) -> None:
    """Nothing listens there."""
    said = scrimp("run", "hello", "--model", "http://127.0.0.1:9/v1#m", "--json")
    assert said.code == 4
    assert said.err.count("\n") == 1
    assert said.err.startswith("scrimp: ")


def test_parts_and_budgets_of_a_system_file(scrimp, script, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('model = "local"\nplanner = "react"\n[budget]\nsteps = 5\nusd = "1"\n')
    said = scrimp(
        "run", "hi", "--system", "mine.toml", "--model", script(["hello"]), "--context", "sliding-window",
        "--budget", "usd=0.5", "--json",
    )  # fmt: skip
    record = Journal().run(said.json["run"])
    assert record.system["context"]["name"] == "sliding-window"
    assert record.budget == {"steps": 5, "usd": "0.5"}
    assert choose_system("mine.toml", {}).name == "mine"
    assert choose_system("mine.toml", {"planner": "react"}).name == ""


def test_prices_of_a_file(scrimp, script, tmp_path: Path) -> None:
    model = script(["hello"])
    (tmp_path / "mine.toml").write_text(
        f'as_of = "2026-11-23"\n[models."{model}"]\ninput = "1000000"\noutput = "0"\n', encoding="utf-8"
    )
    found = scrimp("run", "hi", "--model", model, "--prices", "mine.toml", "--json").json
    cost, tokens = found["ledger"]["total"]["cost"], found["ledger"]["total"]["tokens"]
    assert (cost["amount"], cost["prices"]) == (str(tokens["input"]), "mine 2026-11-23")
    assert scrimp("run", "hi", "--model", model, "--prices", "nowhere.toml").code == 2


WRONG = [
    (("",), "the task is empty"),
    (("@nowhere.txt",), "the task file nowhere.txt cannot be read: No such file or directory"),
    (("x", "--budget", "usd"), "budget 'usd' has no value"),
    (("x", "--budget", "dollars=1"), "no budget key is called 'dollars'"),
    (("x", "--budget", ""), "--budget limits nothing"),
    (("x", "--label", "alone"), "the label 'alone' has no value"),
    (("x", "--planner", "rect"), "no planner is called 'rect' (did you mean react"),
    (("x", "--memory", "mem9"), "no memory is called 'mem9'"),
    (("x", "--selector", "react"), "no selector is called 'react'"),
    (("x", "--system", "nowhere.toml"), "cannot read System nowhere.toml"),
    (("x", "--system", "broken.toml"), "broken.toml: no key of a System is called 'planer' (did you mean planner?)"),
    (("x", "--tools", "nowhere.py"), "--tools: there is no file nowhere.py"),
    (
        ("x", "--tools", "failing.py"),
        "--tools failing.py cannot be loaded: ZeroDivisionError: division by zero, line 2",
    ),
    (("x", "--tools", "empty.py"), "--tools empty.py holds no tool"),
    (("x", "--tools", "no_such_module"), "--tools no_such_module cannot be loaded: ModuleNotFoundError"),
    (("x", "--model", "gpt"), "no model is called 'gpt'"),
    (("x", "--model", "scripted:nowhere.json"), "the script nowhere.json cannot be read"),
    (("x", "--model", "local"), "the model local is not here yet (scrimp models get local)"),
]


@pytest.mark.parametrize(("arguments", "line"), WRONG, ids=lambda one: " ".join(one) if isinstance(one, tuple) else "")
def test_wrong_input_is_one_line_and_spends_nothing(
    scrimp, tmp_path: Path, scrimp_home: Path, arguments: tuple[str, ...], line: str
) -> None:
    (tmp_path / "broken.toml").write_text('planer = "react"\n')
    (tmp_path / "failing.py").write_text("x = 1\ny = x / 0\n")
    (tmp_path / "empty.py").write_text("x = 1\n")
    said = scrimp("run", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"scrimp: {line}")
    assert said.err.count("\n") == 1
    assert not (scrimp_home / "journal.sqlite").exists() or not Journal().runs()


def test_where_a_task_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "task.txt").write_text("今天\n天气如何?\n", encoding="utf-8")
    assert read_task(f"@{tmp_path / 'task.txt'}") == "今天\n天气如何?"
    monkeypatch.setattr(sys, "stdin", io.StringIO("@someone asks\n"))
    assert read_task("-") == "@someone asks"
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="it is not UTF-8"):
        read_task(f"@{tmp_path / 'bytes'}")


def test_tools_of_a_file_and_of_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umbrella) -> None:
    monkeypatch.chdir(tmp_path)
    tools = load_tools("tools.py")
    assert [tool.name for tool in tools] == ["weather", "rate"]
    assert tools[1].price == Decimal("0.001")
    (tmp_path / "beside_tools.py").write_text("from dataclasses import dataclass\nNAME = 'x'\n")
    (tmp_path / "more_tools.py").write_text(
        "from __future__ import annotations\nimport beside_tools\n"
        "from scrimp.tools.sources.python import tool\n"
        "class Place:\n    pass\n"
        "@tool\ndef named(city: str) -> str:\n    'x'\n    return beside_tools.NAME\n"
        "again = named\n"
    )
    assert [tool.name for tool in load_tools("more_tools")] == ["named"]
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(InputError, match="SystemExit"):
        load_tools("leaving.py")
    (tmp_path / "bad_tool.py").write_text(
        "from scrimp.tools.sources.python import tool\n@tool(name='a b')\ndef f() -> None: ...\n"
    )
    with pytest.raises(InputError, match="'a b' cannot be the name of a tool"):
        load_tools("bad_tool.py")


def test_two_tools_of_one_name_are_refused(scrimp, umbrella, tmp_path: Path) -> None:
    (tmp_path / "twin.py").write_text((tmp_path / "tools.py").read_text(encoding="utf-8"), encoding="utf-8")
    said = scrimp(*umbrella, "--tools", "twin.py")
    assert said.code == 2
    assert "two tools are called 'weather'" in said.err


def test_unknown_system(scrimp) -> None:
    with pytest.raises(UnknownName, match="did you mean efficient"):
        choose_system("efficent", {})


def test_calls_of_a_run_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    from scrimp.cli.results import print_run
    from scrimp.core.ledger import Ledger

    calls = [{"id": "1", "name": "f", "arguments": {"a": 1}}, {"id": "2", "name": "g", "arguments": None, "raw": "{x"}]
    document = {"run": "R", "status": "error", "answer": "", "calls": calls, "ledger": Ledger.of([]).to_json(),
                "budget": {}, "steps": 0}  # fmt: skip
    print_run(json.loads(json.dumps(document)))
    out = capsys.readouterr().out
    assert out.startswith("(no answer)\n  f(a=1)\n  g({x)\n")
    assert "run R, failed, $0, 0 tokens" in out


def test_a_memory_is_kept_from_run_to_run_by_owner(scrimp, tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(["Noted: tea."]))
    store = str(tmp_path / "m.sqlite")
    given = ("--model", f"scripted:{script}", "--memory", "bm25-turns", "--store", store)
    assert scrimp("run", "I like tea", *given, "--owner", "ann").code == 0
    assert scrimp("run", "What do I like?", *given, "--owner", "ann").code == 0
    shown = json.loads(scrimp("runs", "list", "--json").out)
    runs = [row["run"] for row in (shown if isinstance(shown, list) else shown["runs"])]
    assert "I like tea" in scrimp("runs", "export", runs[0]).out
    assert scrimp("run", "What do I like?", *given, "--owner", "ben").code == 0
    shown = json.loads(scrimp("runs", "list", "--json").out)
    runs = [row["run"] for row in (shown if isinstance(shown, list) else shown["runs"])]
    assert "I like tea" not in scrimp("runs", "export", runs[0]).out
