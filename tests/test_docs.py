"""What README and docs show is run, on the scripted model; what cannot be run has its options checked.

A page is one story: its blocks run from top to bottom in one folder with one SCRIMP_HOME, as a reader would run them.
`SCRIMP_MODEL` puts a scripted model in the place of `local` and `small` (see `scrimp.testing`); numbers that only make
a command slow are made smaller (`SMALLER`). See `doc_blocks` for how blocks are marked.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import shlex
import subprocess
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from doc_blocks import Block, Command, blocks, commands, script
from doc_checks import command_tree, faults
from source_tree import ROOT

GENERATED = {"docs/methods.md"}
SMALLER = {"--n": 6, "--tasks": 2, "--seeds": 1}
"""Largest value these options have in a test."""
ADDED = {"demo": {"--tasks": "2"}}
"""Options a command is given where the page does not give them."""
SCRIPT = {"": "It is 42."}
"""What the scripted model says to everything, where the page states nothing else."""
COMMAND_SECONDS = 60

PAGES = sorted(
    path
    for path in [ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").rglob("*.md")]
    if path.is_file() and path.relative_to(ROOT).as_posix() not in GENERATED
)
APP = command_tree()


def with_smaller_numbers(arguments: list[str]) -> list[str]:
    """The arguments of a `scrimp` command with large numbers cut down."""
    out: list[str] = []
    words = iter(arguments)
    for word in words:
        name, has_value, value = word.partition("=")
        if name in SMALLER:
            value = value if has_value else next(words, "")
            out += [name, str(min(int(value), SMALLER[name])) if value.isdigit() else value]
        else:
            out.append(word)
    for name, value in ADDED.get(out[0] if out else "", {}).items():
        if name not in out:
            out += [name, value]
    return out


@dataclass
class Page:
    """The folder, the environment and the names that the blocks of one page share."""

    folder: Path
    home: Path
    namespace: types.ModuleType = field(default_factory=lambda: types.ModuleType("docs_page"))

    def __post_init__(self) -> None:
        self.script = self.folder.parent / "script.json"
        self.scripted(SCRIPT)
        programs = self.folder.parent / "programs"
        programs.mkdir()
        shim = programs / "scrimp"
        shim.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(__file__)} "$@"\n', encoding="utf-8"
        )
        shim.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "SCRIMP_HOME": str(self.home),
            "SCRIMP_MODEL": f"scripted:{self.script}",
            "NO_COLOR": "1",
            "COLUMNS": "120",
        }

    def scripted(self, answers: object) -> None:
        """State what the model says from here on."""
        self.script.write_text(json.dumps(answers, ensure_ascii=False), encoding="utf-8")

    def run(self, block: Block) -> None:
        """Write, run or check one block; an AssertionError says what is wrong with it."""
        if block.file:
            target = self.folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        if block.language in ("python", "py"):
            self.run_python(block)
        for command in commands(block):
            self.run_command(command)

    def run_python(self, block: Block) -> None:
        """Run a Python block in the page's module, `await` at its top level allowed; only parse a `no-run` one."""
        file = self.folder.parent / f"block_{block.line}.py"
        file.write_text("\n" * (block.line - 1) + block.text, encoding="utf-8")
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(file.read_text(encoding="utf-8"), str(file), "exec", flags=flags, dont_inherit=True)
        if block.runs:
            waiting = types.FunctionType(code, self.namespace.__dict__)()
            if inspect.isawaitable(waiting):
                asyncio.run(_wait(waiting))

    def run_command(self, command: Command) -> None:
        """Run a line that calls `scrimp`; check every line."""
        assert not faults(command, APP), f"line {command.line}: {command.text}"
        if "scrimp" not in command.programs or not command.runs:
            return
        if "SCRIMP_DATA" in command.text and "SCRIMP_DATA" not in os.environ:
            return
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command.text}"],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip
        said = f"line {command.line}: {command.text}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == command.exit_code, said


async def _wait(awaitable: object) -> None:
    await awaitable  # type: ignore[misc]


@pytest.fixture
def page(tmp_path: Path, scrimp_home: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    folder = tmp_path / "page"
    folder.mkdir()
    made = Page(folder, scrimp_home)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))  # as for a script that stands there
    monkeypatch.setenv("SCRIMP_MODEL", made.environment["SCRIMP_MODEL"])
    monkeypatch.setitem(sys.modules, "docs_page", made.namespace)
    return made


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_a_page_does_what_it_shows(path: Path, page: Page) -> None:
    text = path.read_text(encoding="utf-8")
    page.scripted(script(text) or SCRIPT)
    for block in blocks(text):
        page.run(block)


# -- the machinery itself --------------------------------------------------------------------------

SAMPLE = """\
# A page

```python
x = 20 + 1
```

1. A list with a block

   ```console no-run
   $ make demo DEMO_ARGS="--model small"
   what it prints
   $ scrimp run "say # twice" \\
       --json   # a comment
   ```

```toml file=systems/mine.toml
model = "local"
```

~~~sh
scrimp runs list | head -n 3 > out.txt 2> err.txt
LANG=C scrimp doctor && make test  # exit 3
~~~
"""


def test_blocks_are_found() -> None:
    found = list(blocks(SAMPLE))
    assert [(block.language, block.line, block.runs, block.file) for block in found] == [
        ("python", 4, True, ""),
        ("console", 10, False, ""),
        ("toml", 17, True, "systems/mine.toml"),
        ("sh", 21, True, ""),
    ]
    with pytest.raises(ValueError, match="line 1: this fence"):
        list(blocks("```sh\nscrimp doctor\n"))


def test_a_page_states_its_script() -> None:
    assert script('# A page\n\n<!-- script\n["one",\n "two"]\n-->\n\ntext <!-- more -->\n') == ["one", "two"]
    assert script(SAMPLE) is None


def test_commands_are_found() -> None:
    found = [command for block in blocks(SAMPLE) for command in commands(block)]
    assert [(command.text, command.line, command.exit_code) for command in found] == [
        ('make demo DEMO_ARGS="--model small"', 10, 0),
        ('scrimp run "say # twice" --json', 12, 0),
        ("scrimp runs list | head -n 3 > out.txt 2> err.txt", 21, 0),
        ("LANG=C scrimp doctor && make test", 22, 3),
    ]
    assert found[0].simple == [["make", "demo", "DEMO_ARGS=--model small"]]
    assert found[1].simple == [["scrimp", "run", "say # twice", "--json"]]
    assert found[2].simple == [["scrimp", "runs", "list"], ["head", "-n", "3"]]
    assert found[3].simple == [["scrimp", "doctor"], ["make", "test"]]


def test_python_blocks_share_a_page_and_may_await(page: Page) -> None:
    for text in ("x = 20", "import asyncio\nawait asyncio.sleep(0)\nx += 1", "def f() -> int:\n    return x"):
        page.run(Block("python", (), text, 1))
    assert page.namespace.f() == 21
    page.run(Block("python", ("no-run",), "raise RuntimeError", 1))
    with pytest.raises(SyntaxError):
        page.run(Block("python", ("no-run",), "x = = 1", 1))
    with pytest.raises(ZeroDivisionError):
        page.run(Block("python", (), "1 / 0", 7))


def test_files_are_written_where_later_blocks_find_them(page: Page) -> None:
    page.run(Block("toml", ("file=systems/mine.toml",), 'model = "local"\n', 1))
    page.run(Block("python", (), "from pathlib import Path\ntext = Path('systems/mine.toml').read_text()", 5))
    assert page.namespace.text == 'model = "local"\n'


def test_numbers_are_made_smaller() -> None:
    assert with_smaller_numbers(["compare", "--n=700", "--json"]) == ["compare", "--n", "6", "--json"]
    assert with_smaller_numbers(["compare", "--n", "3"]) == ["compare", "--n", "3"]
    assert with_smaller_numbers(["demo"]) == ["demo", "--tasks", "2"]
    assert with_smaller_numbers(["demo", "--tasks", "40"]) == ["demo", "--tasks", "2"]


def line(text: str) -> Command:
    return Command(text, 1, runs=False)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("make demo", None),
        ("make demo DEMO_ARGS=--json PYTHON=python3.12", None),
        ("make demmo", "no target demmo"),
        ("make demo DEMO=1", "no variable DEMO"),
        ("python3 -m pip install -e '.[local]'", None),
        ("pip install --no-deps --upgrade=x 'scrimp[local,test]'", None),
        ("pip install '.[locale]'", "no extra locale"),
        ("pip install --no-dep .", "no option --no-dep"),
        ("pip instal .", "no command instal"),
        ("python examples/nowhere.py", "no file examples/nowhere.py"),
        ("git clone x && cd x", None),
    ],
)
def test_lines_are_checked(text: str, fault: str | None) -> None:
    found = faults(line(text), None)
    assert len(found) == (fault is not None)
    assert all(fault in one for one in found if fault)


@pytest.fixture(scope="module")
def sample_app() -> object:
    """A small command line, built as ours is."""
    import typer

    app, runs = typer.Typer(), typer.Typer()

    @app.command()
    def run(task: str, model: str = "local", json: bool = typer.Option(False, "--json")) -> None: ...

    @runs.command("list")
    def list_() -> None: ...

    @runs.command()
    def show(names: list[str]) -> None: ...

    app.add_typer(runs, name="runs")
    return typer.main.get_command(app)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("scrimp run 'what is 2 + 2?' --model small --json", None),
        ("scrimp run x --model=small | head", None),
        ("scrimp run --help", None),
        ("scrimp runs show a b c", None),
        ("scrimp run", "scrimp run needs 1 argument(s), got 0"),
        ("scrimp run a b", "scrimp run takes 1 argument(s), got 2"),
        ("scrimp run a --modle small", "scrimp run has no option --modle"),
        ("scrimp run a --model", "scrimp run --model needs a value"),
        ("scrimp runs lst", "scrimp runs has no command lst"),
        ("scrimp runs", "scrimp runs needs a command"),
        ("scrimp runs show", "scrimp runs show needs 1 argument(s)"),
        ("cat x | scrimp rn", "scrimp has no command rn"),
    ],
)
def test_scrimp_lines_are_checked(text: str, fault: str | None, sample_app: object) -> None:
    found = faults(line(text), sample_app)
    assert bool(found) == (fault is not None)
    assert fault is None or fault in found[0]


if __name__ == "__main__":  # the `scrimp` of the pages: the real one, with smaller numbers
    sys.argv = ["scrimp", *with_smaller_numbers(sys.argv[1:])]
    from scrimp.cli.main import main

    sys.exit(main())
