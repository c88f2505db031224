"""The rules of the house, read off the sources: who may import whom, faces, a card and a test for every method."""

from __future__ import annotations

import ast
import re
import socket
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from source_tree import ROOT, SOURCE, Module, module, modules, tracked_files

from scrimp.core.errors import InputError
from scrimp.core.registry import FOLDERS, Card

GUESTS_OF_CORE = {"pydantic", "anyio"}
HELD_BACK = {"models", "stores", "journal"}
SHARED_FOLDERS = {"parts", "search"}
ROOMS_BELOW = {
    "memory": (),
    "tools": (),
    "planning": ("memory", "tools"),
    "team": ("memory", "tools", "planning"),
    "training": ("memory", "tools", "planning", "team", "evaluate", "testing"),
}
HEAVY = {"torch", "transformers", "trl", "peft", "litellm", "ray", "scipy", "openai", "anthropic", "opentelemetry",
         "mcp", "duckdb", "faiss", "tiktoken", "tokenizers", "psycopg", "starlette", "uvicorn", "optuna",
         "textual", "pyarrow", "datasets", "accelerate", "onnxruntime", "sklearn", "pandas", "matplotlib"}  # fmt: skip
HEAVY_ALLOWED: dict[str, set[str]] = {
    "scrimp.models.embedders_onnx": {"onnxruntime", "tokenizers"},
    "scrimp.evaluate.executors.ray": {"ray"},
    "scrimp.evaluate.tune.proposals": {"optuna"},
    "scrimp.journal.duck": {"duckdb"},
    "scrimp.stores.ann": {"faiss"},
    "scrimp.journal.postgres": {"psycopg"},
    "scrimp.stores.postgres": {"psycopg"},
    "scrimp.models.whitebox": {"torch", "transformers", "tokenizers"},
    "scrimp.training.parts.grpo": {"trl", "peft", "datasets", "transformers"},
    "scrimp.training.parts.policy": {"torch", "transformers"},
    "scrimp.training.warm": {"torch", "transformers", "tokenizers"},
    "scrimp.evaluate.environments.served": {"mcp", "uvicorn"},
    "scrimp.tools.sources.mcp": {"mcp"},
    "scrimp.tools.sources.mcp_line": {"mcp"},
}
"""Module -> heavy libraries it is about."""

LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0][
    "layers"
]
ROOMS = {name for layer in LAYERS for name in re.findall(r"\w+", layer)}
"""All rooms of the plan, the unbuilt ones too."""

MODULES = modules()
FACE = next(item for item in MODULES if item.name == "scrimp")
METHODS = [
    item for item in MODULES
    if not item.is_package and item.path.parent.relative_to(SOURCE).as_posix() in FOLDERS
]  # fmt: skip


def names_of(items: Iterable[Module]) -> list[str]:
    return [item.name.removeprefix("scrimp.") for item in items]


# -- imports ---------------------------------------------------------------------------------------


def imports_of_the_face(item: Module) -> list[str]:
    """Imports of `scrimp` itself: `import scrimp`, or a name of the face out of it."""
    found = []
    for name, line in item.imports():
        parts = name.split(".")
        if parts[0] == "scrimp" and (len(parts) == 1 or parts[1] not in ROOMS):
            found.append(f"line {line}: {name}")
    return found


def test_no_room_imports_the_face() -> None:
    broken = {item.name: found for item in MODULES if item is not FACE and (found := imports_of_the_face(item))}
    assert not broken


def guests(item: Module) -> set[str]:
    """Packages that are neither the standard library's nor scrimp's own."""
    tops = {name.split(".")[0] for name, _ in item.imports()}
    return tops - set(sys.stdlib_module_names) - {"scrimp"}


def test_core_keeps_to_its_guest_list() -> None:
    broken = {item.name: extra for item in MODULES if item.room == "core" and (extra := guests(item) - GUESTS_OF_CORE)}
    assert not broken


def test_core_imports_no_other_room() -> None:
    broken = [
        f"{item.name} line {line}: {name}"
        for item in MODULES if item.room == "core"
        for name, line in item.imports()
        if name.startswith("scrimp.") and not name.startswith("scrimp.core")
    ]  # fmt: skip
    assert not broken


def test_heavy_libraries_only_where_they_are_the_subject() -> None:
    broken = {
        item.name: heavy
        for item in MODULES
        if (heavy := guests(item) & HEAVY - HEAVY_ALLOWED.get(item.name, set()))
    }  # fmt: skip
    assert not broken


def forbidden_imports_of_a_method(item: Module) -> list[str]:
    """What a method file imports beyond core, its own folder's parts, and the parts of lower rooms."""
    folder = item.path.parent.relative_to(SOURCE).as_posix() if item.path.is_absolute() else ""
    found = []
    for name, line in item.imports():
        parts = name.split(".")
        if parts[0] != "scrimp" or parts[1:2] == ["core"]:
            continue
        room = parts[1] if len(parts) > 1 else ""
        shared = len(parts) > 2 and parts[2] in SHARED_FOLDERS
        if shared and (room == item.room or room in ROOMS_BELOW.get(item.room, ())):
            continue
        what = f"'{room}' is not for methods" if room in HELD_BACK else f"not in the parts of {folder or item.room}"
        found.append(f"line {line}: {name} ({what})")
    return found


@pytest.mark.parametrize("item", METHODS, ids=names_of(METHODS))
def test_a_method_imports_core_and_parts_only(item: Module) -> None:
    assert not forbidden_imports_of_a_method(item)


def test_the_import_rules_bite() -> None:
    text = (
        "import scrimp\nfrom scrimp import tool\nfrom scrimp.core.task import Task\nimport torch\n"
        "from scrimp.models.tokens import estimate\nfrom scrimp.planning.methods.react import ReAct\n"
        "from scrimp.tools.parts.dag import Dag\nfrom scrimp.team.parts.talk import Talk\n"
    )
    item = module("scrimp.planning.methods.sample", text)
    assert imports_of_the_face(item) == ["line 1: scrimp", "line 2: scrimp.tool"]
    assert guests(item) == {"torch"}
    lines = [found.split(":")[0] for found in forbidden_imports_of_a_method(item)]
    assert lines == ["line 1", "line 2", "line 5", "line 6", "line 8"]
    inside = module("scrimp.core.sample", "from . import tool\nfrom .usage import Usage\nfrom .. import journal\n")
    assert [name for name, _ in inside.imports()] == ["scrimp.core.tool", "scrimp.core.usage.Usage", "scrimp.journal"]


# -- cards -----------------------------------------------------------------------------------------


def card_of(item: Module) -> Card | None:
    """The card in `CARD = Card(name=..., ...)` at the top level, read without importing the file.

    None where there is no such line, or more than one.

    Raises:
        ValueError, TypeError, InputError: it is there, and it is no literal or no valid card.
    """
    calls = [
        node.value for node in item.tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["CARD"]
    ]  # fmt: skip
    if len(calls) != 1 or not isinstance(calls[0], ast.Call) or ast.unparse(calls[0].func) != "Card":
        return None
    if calls[0].args:
        raise TypeError("a card is written with keywords only")
    return Card(**{str(keyword.arg): ast.literal_eval(keyword.value) for keyword in calls[0].keywords})


def registered_classes(item: Module) -> list[ast.ClassDef]:
    """Classes decorated with `@method(CARD)`."""
    return [
        node for node in item.tree.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(mark) == "method(CARD)" for mark in node.decorator_list)
    ]  # fmt: skip


def faults_of_a_card(item: Module) -> list[str]:
    """What is wrong with the card of a method file."""
    try:
        card = card_of(item)
    except (ValueError, TypeError, InputError) as error:
        return [f"the card cannot be read: {error}"]
    if card is None:
        return ["no single module-level `CARD = Card(...)`"]
    faults = []
    classes = registered_classes(item)
    if len(classes) > 1:
        faults.append("more than one class with @method(CARD)")
    if not classes and card.verdict != "registered":
        faults.append("no class with @method(CARD), and the verdict is not 'registered'")
    if not ast.get_docstring(item.tree):
        faults.append("no module docstring")
    return faults


@pytest.mark.parametrize("item", METHODS, ids=names_of(METHODS))
def test_every_method_has_a_card(item: Module) -> None:
    assert not faults_of_a_card(item)


@pytest.mark.parametrize("item", METHODS, ids=names_of(METHODS))
def test_every_method_has_a_test_at_the_same_place(item: Module) -> None:
    relative = item.path.relative_to(SOURCE)
    test = ROOT / "tests" / relative.with_name(f"test_{relative.name}")
    if registered_classes(item):
        assert test.is_file(), f"write tests/{test.relative_to(ROOT / 'tests')}"


def test_method_names_are_unique() -> None:
    """`--systems NAME` names a method without its family."""
    names: dict[str, str] = {}
    for item in METHODS:
        card = card_of(item)
        if card is not None:
            assert card.name not in names, f"{card.name}: {names.get(card.name)} and {item.name}"
            names[card.name] = item.name


GOOD = "name='a', family='planner', title='A', needs=('embedder',)"
CLASS = "@method(CARD)\nclass A: ...\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (CLASS + f"CARD = Card({GOOD})", None),
        (f"CARD = Card({GOOD}, verdicts={{'oracle': 'registered'}})", None),
        (f"CARD = Card({GOOD})", "verdict is not 'registered'"),
        (CLASS + "CARD = Card(name=make(), family='planner', title='A')", "cannot be read"),
        (CLASS + "CARD = Card(**facts)", "cannot be read"),
        (CLASS + "CARD = Card('a', 'planner', 'A')", "cannot be read"),
        (CLASS + f"CARD = Card({GOOD}, colour='red')", "cannot be read"),
        (CLASS + f"CARD = Card({GOOD.replace('planner', 'planer')})", "cannot be read"),
        (CLASS + f"def f():\n    CARD = Card({GOOD})", "no single module-level"),
        (CLASS + CLASS + f"CARD = Card({GOOD})", "more than one class"),
    ],
)
def test_the_card_rules_bite(text: str, fault: str | None) -> None:
    faults = faults_of_a_card(module("scrimp.planning.methods.sample", f'"""Doc."""\n{text}\n'))
    assert len(faults) == (fault is not None)
    assert all(fault in found for found in faults if fault)


def test_a_method_file_says_what_it_does() -> None:
    text = f"{CLASS}CARD = Card({GOOD})\n"
    assert faults_of_a_card(module("scrimp.planning.methods.sample", text)) == ["no module docstring"]


# -- faces -----------------------------------------------------------------------------------------


def literal_of(item: Module, name: str) -> object:
    """The literal that a module-level `name = ...` is set to, None where there is none."""
    for node in item.tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return ast.literal_eval(node.value)
    return None


def test_the_face_lists_what_it_gives() -> None:
    where = literal_of(FACE, "_WHERE")
    listed = literal_of(FACE, "__all__")
    assert isinstance(where, dict)
    assert isinstance(listed, list)
    typed = {name for name, _ in FACE.imports() if name.startswith("scrimp.")} - {"scrimp.core.version.VERSION"}
    assert listed == sorted(where)
    assert typed == {f"{place}.{name}" for name, place in where.items()}


def test_the_face_gives_what_it_lists() -> None:
    import scrimp

    assert sorted({*scrimp.__all__, "__version__"}) == dir(scrimp)
    assert all(callable(getattr(scrimp, name)) for name in scrimp.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        scrimp.nothing  # noqa: B018


REEXPORTING = [item for item in MODULES if item.is_package and item is not FACE and any(True for _ in item.imports())]


@pytest.mark.parametrize("item", REEXPORTING, ids=names_of(REEXPORTING))
def test_what_a_package_reexports_it_lists(item: Module) -> None:
    """`__all__` is there, sorted, and names exactly what the package imports of its own and defines in public."""
    listed = literal_of(item, "__all__")
    assert isinstance(listed, list | tuple), "an __init__ that imports says in __all__ what for"
    own = {name.rpartition(".")[2] for name, _ in item.imports() if name.startswith(f"{item.name}.")}
    defined = {
        node.name for node in item.tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }  # fmt: skip
    assert own <= set(listed) <= own | defined | assigned(item)


def assigned(item: Module) -> set[str]:
    """Public names set at the top level."""
    targets = [target for node in item.tree.body if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in item.tree.body if isinstance(node, ast.AnnAssign)]
    return {target.id for target in targets if isinstance(target, ast.Name) and not target.id.startswith("_")}


# -- manners ---------------------------------------------------------------------------------------


def test_only_the_command_line_prints() -> None:
    printing = [
        f"{item.name} line {node.lineno}"
        for item in MODULES if item.room != "cli"
        for node in ast.walk(item.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]  # fmt: skip
    assert not printing


def test_every_file_says_what_it_is() -> None:
    silent = [item.name for item in MODULES if item.text.strip() and not ast.get_docstring(item.tree)]
    assert not silent


FOLDERS_OF_SOMEBODY = ("root", "home", "Users", "work", "workspace", "mnt", "srv", "opt")
SOMEBODYS_PATH = re.compile(rf"(?<![\w.$~{{}}/:*-])/(?:{'|'.join(FOLDERS_OF_SOMEBODY)})/\w")
REGISTRIES = re.compile("|".join(map(re.escape, ("pypi" + ".org", "python" + "hosted", "registry." + "npm"))))
LOCKS = {"uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "package-lock.json", "yarn.lock"}
TRACKED = tracked_files()


def text_of(path: Path) -> str:
    """The text of a file, empty for a binary one."""
    data = path.read_bytes()
    return "" if b"\0" in data[:4096] else data.decode("utf-8", "replace")


def traces_of_a_machine(text: str) -> list[str]:
    """Paths, hosts and names that only mean something on one machine."""
    found = [f"a path of somebody's machine: {match.group()}" for match in SOMEBODYS_PATH.finditer(text)]
    found += [f"a registry's host: {match.group()}" for match in REGISTRIES.finditer(text)]
    if len(ROOT.parts) > 2 and re.search(rf"(?<!\w){re.escape(str(ROOT))}(?!\w)", text):
        found.append("the path of this checkout")
    host = socket.gethostname()
    if len(host) > 9 and re.search(rf"\b{re.escape(host)}\b", text):
        found.append("the name of this machine")
    return found


def test_nothing_of_this_machine_is_in_the_project() -> None:
    broken = {str(path.relative_to(ROOT)): found for path in TRACKED if (found := traces_of_a_machine(text_of(path)))}
    assert not broken


def test_the_traces_of_a_machine_are_seen() -> None:
    assert traces_of_a_machine("see " + "/" + "home/ann/notes")
    assert traces_of_a_machine("from files." + "python" + "hosted")
    assert traces_of_a_machine(f"see {ROOT}") or len(ROOT.parts) <= 2
    assert not traces_of_a_machine("POST /v1/chat/completions, ~/wo" + "rk/x, $HOME/home/x, http://localhost/home/x")


def test_no_lock_file_with_addresses() -> None:
    assert not [path.name for path in TRACKED if path.name in LOCKS]
    constraints = sorted((ROOT / "constraints").glob("*.txt"))
    assert constraints
    for path in constraints:
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        pins = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
        assert pins
        assert all("==" in line and line.endswith("\\") for line in pins), "every pin has hashes"


# -- the tests' own house --------------------------------------------------------------------------


def test_no_test_reaches_the_network() -> None:
    with pytest.raises(AssertionError, match="no network"), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))
    with pytest.raises(AssertionError, match="no network"):
        socket.getaddrinfo("example.org", 443)
    assert socket.getaddrinfo("localhost", 80)


def test_every_test_has_a_home_of_its_own(scrimp_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scrimp.journal.home import home

    assert home() == scrimp_home.resolve()
    assert not list(scrimp_home.iterdir())
