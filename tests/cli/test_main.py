from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from scrimp.cli import main as module
from scrimp.cli.apps import Lazy, built
from scrimp.cli.main import COMMANDS, main
from scrimp.core.errors import (
    BudgetExceeded,
    DoorClosed,
    InputError,
    JournalFailed,
    MissingExtra,
    ModelFailed,
    OutsideError,
    ReplayMismatch,
    UnknownName,
    UnknownPrice,
)
from scrimp.core.version import VERSION


def test_version_and_help(scrimp) -> None:
    assert scrimp("--version").out == f"scrimp {VERSION}\n"
    said = scrimp("--help")
    assert said.code == 0
    assert all(f"  {name} " in said.out for name in COMMANDS)
    assert not said.err


def test_a_bare_name_prints_its_help(scrimp) -> None:
    assert scrimp() == scrimp("--help")
    said = scrimp("runs")
    assert said.code == 0
    assert "replay" in said.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(scrimp, name: str) -> None:
    said = scrimp(name, "-h")
    assert (said.code, said.err) == (0, "")
    assert "--json" in said.out or "Commands:" in said.out


def test_help_imports_no_command() -> None:
    """Only the command that is called is imported."""
    code = (
        "import sys; from scrimp.cli.main import main, COMMANDS\n"
        "main(['--help'])\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "main(['models', '--help'])\n"
        "print([name for name in COMMANDS if COMMANDS[name].module in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    tops, commands = done.stderr.splitlines()
    assert not {"pydantic", "numpy", "httpx2", "anyio", "rich", "jinja2"} & set(ast.literal_eval(tops))
    assert commands == "['models']"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_file_imports_nothing_heavy(name: str) -> None:
    """What a command's help costs: its own file and what stands at its top."""
    path = Path(import_module(COMMANDS[name].module).__file__ or "")
    tops = [line.split()[1].split(".")[:2] for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith(("import ", "from "))]  # fmt: skip
    rooms = {parts[1] for parts in tops if parts[0] == "scrimp"}
    assert rooms <= {"cli", "core"}
    assert not {"numpy", "anyio", "rich", "pydantic", "httpx2"} & {parts[0] for parts in tops}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["rn"], "scrimp: no scrimp command is called 'rn' (did you mean run or runs?)\n"),
        (["runs", "shw"], "scrimp: no scrimp runs command is called 'shw' (did you mean show?)\n"),
        (["--jsn"], "scrimp: No such option: --jsn"),
        (["run"], "scrimp: Missing argument 'TASK' (try 'scrimp run --help')\n"),
        (["run", "x", "y"], "scrimp: Got unexpected extra argument(s) (y) (try 'scrimp run --help')\n"),
        (["run", "x", "--modle", "local"], "scrimp: No such option: --modle"),
        (["compare", "--systems", "a", "--bench", "b", "--n", "0"], "scrimp: Invalid value for '--n'"),
        (["runs", "list", "--limit", "many"], "scrimp: Invalid value for '--limit'"),
    ],
)
def test_a_wrong_word_is_one_line(scrimp, arguments: list[str], line: str) -> None:
    said = scrimp(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith(line)
    assert said.err.count("\n") == 1


FAILURES = [
    (InputError("wrong", remedy="mend it"), 2, "scrimp: wrong (mend it)\n"),
    (UnknownName("thing", "x", ["y"]), 2, "scrimp: no thing is called 'x' (known: y)\n"),
    (MissingExtra("not here", remedy="scrimp models get x"), 2, "scrimp: not here (scrimp models get x)\n"),
    (DoorClosed("closed"), 2, "scrimp: closed\n"),
    (UnknownPrice("no price"), 2, "scrimp: no price\n"),
    (
        BudgetExceeded("usd", limit=1, spent=1, reserved=0, needed=1), 3,
        "scrimp: budget usd=1 would be passed: spent 1, reserved 0, the next call needs up to 1 "
        "(raise usd or shorten the task)\n",
    ),
    (OutsideError("two\nlines"), 4, "scrimp: two lines\n"),
    (ModelFailed("no answer", status=503), 4, "scrimp: no answer\n"),
    (JournalFailed("disk"), 4, "scrimp: disk\n"),
    (ReplayMismatch("another"), 4, "scrimp: another\n"),
    (ExceptionGroup("group", [ValueError("x"), ExceptionGroup("inner", [InputError("wrong")])]), 2, "scrimp: wrong\n"),
    (KeyboardInterrupt(), 130, "scrimp: interrupted\n"),
    (typer.Abort(), 130, "scrimp: interrupted\n"),
    (typer.Exit(1), 1, ""),
]  # fmt: skip


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Make `scrimp doctor` raise."""

    def fail(error: BaseException) -> None:
        app = typer.Typer()

        @app.command()
        def doctor() -> None:
            raise error

        monkeypatch.setattr(Lazy, "load", lambda self: built(app))

    return fail


@pytest.mark.parametrize(("error", "code", "line"), FAILURES, ids=lambda one: type(one).__name__)
def test_every_class_of_failure_has_its_exit_code(scrimp, failing, error: BaseException, code: int, line: str) -> None:
    failing(error)
    said = scrimp("doctor")
    assert (said.code, said.out, said.err) == (code, "", line)


def test_what_nobody_foresaw_leaves_its_traceback(scrimp, failing, scrimp_home: Path) -> None:
    failing(ZeroDivisionError("division by zero"))
    said = scrimp("doctor")
    assert said.code == 4
    assert said.err.count("\n") == 1
    (log,) = (scrimp_home / "logs").iterdir()
    assert said.err == f"scrimp: ZeroDivisionError: division by zero (traceback in {log})\n"
    assert "raise error" in log.read_text(encoding="utf-8")
    assert f"scrimp {VERSION}" in log.read_text(encoding="utf-8")


def test_a_home_that_is_no_folder_is_wrong_input(scrimp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path / "file" / "below"))
    said = scrimp("runs", "list")
    assert said.code == 2
    assert "cannot be used (name a folder that may be written)" in said.err
    assert not scrimp("doctor", "--json").json["ok"]


def test_the_words_of_a_command_are_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    from scrimp.cli.compare import written

    app, seen = typer.Typer(), []

    @app.command()
    def doctor(ctx: typer.Context, name: str, json: bool = False) -> None:
        seen.append(written(ctx))

    monkeypatch.setattr(Lazy, "load", lambda self: built(app))
    assert main(["doctor", "two words", "--json"]) == 0
    assert seen == ["scrimp doctor 'two words'"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell with pipes")
def test_a_reader_that_goes_away_is_no_failure(scrimp_home: Path) -> None:
    program = f"{sys.executable} -m scrimp.cli.main"
    done = subprocess.run(
        ["bash", "-c", f"{{ sleep 0.3; {program} methods list --json; echo $? >&2; }} | true"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == "0\n"


def test_the_entry_point_is_main() -> None:
    assert callable(module.main)
    assert module.app.info.cls is module.Root
