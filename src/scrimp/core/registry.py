"""Methods by name: cards that are read without importing, and classes that are imported when used.

A method file holds a literal `CARD = Card(...)` and one class under `@method(CARD)`. Listing parses
the literals; only `load` imports, and only the one file. Strangers' packages register a class
through the entry-point group `scrimp.methods`; listing imports those, and a failure is a row.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from scrimp.core.errors import InputError, UnknownName

ENTRY_POINTS = "scrimp.methods"
FOLDERS = (
    "memory/context", "memory/methods", "memory/transform", "tools/select", "tools/gate", "tools/toolbox",
    "tools/transform",
    "planning/methods", "team/methods", "training/methods",
)  # fmt: skip
PROTOCOLS = {
    "memory": "Memory",
    "context": "ContextPolicy",
    "selector": "ToolSelector",
    "gate": "Gate",
    "planner": "Planner",
    "trainer": "Trainer",
    "transform": "Transform",
}
"""Family (the key a System uses) -> the protocol its methods fulfil."""
METHODS_OF = {
    "memory": ("write", "manage", "read"),
    "context": ("fit",),
    "selector": ("index", "select"),
    "gate": ("decide",),
    "planner": ("solve",),
    "trainer": ("train",),
    "transform": ("apply", "cost"),
}
STRENGTH = ("reproduced", "direction", "structure only", "not distinguishable", "contradicted", "registered")
"""Verdicts from the strongest down (EVIDENCE rule 7); `registered` is a card whose method is not written yet."""

C = TypeVar("C", bound=type)


@dataclass(frozen=True)
class Card:
    """What a method claims, registered before it is written.

    Attributes:
        family: key of `PROTOCOLS`; `provides` lists more protocols where it has several faces.
        paper: arXiv id or other reference; empty for a baseline of ours.
        saves, against: what it saves, compared with what.
        needs: what it needs beyond a model (`embedder`, `store`, `environment`, `hidden`...).
        claim: the size the paper claims, in its own words and units.
        claimed_ratio: that size as a ratio of costs, in `unit`; 0 where the paper states none.
        unit: what is saved: `tokens`, `usd`, `seconds` or `calls`.
        workload: on what `methods check` measures it, with `n` items and a `margin` in points.
        verdicts: one per model class (`oracle`, `scripted`, or a model's name).
        samples: it draws several answers and chooses or debates, so that a comparison adds self-consistency at the
            same number of tokens (EVIDENCE rule 3).
        budget_aware: it plans by what is left of its budget, so that a comparison runs it again at each budget level
            instead of cutting it off there (EVIDENCE rule 5).
    """

    name: str
    family: str
    title: str
    paper: str = ""
    saves: str = ""
    against: str = ""
    needs: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    claim: str = ""
    workload: str = ""
    n: int = 0
    margin: float = 3.0
    verdicts: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    unit: str = "tokens"
    claimed_ratio: float = 0.0
    samples: bool = False
    budget_aware: bool = False

    def __post_init__(self) -> None:
        if self.family not in PROTOCOLS:
            raise InputError(f"card {self.name!r}: no family is called {self.family!r}", remedy=", ".join(PROTOCOLS))
        for verdict in self.verdicts.values():
            if verdict not in STRENGTH:
                raise InputError(f"card {self.name!r}: no verdict is called {verdict!r}", remedy=", ".join(STRENGTH))

    @property
    def verdict(self) -> str | None:
        """The strongest of the stated verdicts; None for a baseline or a method not yet checked."""
        stated = [verdict for verdict in STRENGTH if verdict in self.verdicts.values()]
        return stated[0] if stated else None

    def to_json(self) -> dict[str, Any]:
        """A row of `scrimp methods list`."""
        return {
            "name": self.name,
            "family": self.family,
            "title": self.title,
            "paper": self.paper,
            "needs": list(self.needs),
            "saves": self.saves,
            "against": self.against,
            "verdict": self.verdict,
            "provides": list(self.provides) or [PROTOCOLS[self.family]],
        }


def method(card: Card) -> Callable[[C], C]:
    """Bind a card to its class, checking that the class has its protocol's methods."""

    def bind(cls: C) -> C:
        missing = [name for name in METHODS_OF[card.family] if not callable(getattr(cls, name, None))]
        if missing:
            raise InputError(f"{cls.__name__} is no {PROTOCOLS[card.family]}: it lacks {', '.join(missing)}")
        cls.card = card  # type: ignore[attr-defined]
        return cls

    return bind


@dataclass(frozen=True)
class Entry:
    """A row of the catalogue: a card, and where its class is."""

    card: Card
    module: str
    attribute: str
    package: str = "scrimp"
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        out = {**self.card.to_json(), "package": self.package}
        return {**out, "error": self.error} if self.error else out


def catalogue(cache: Path | None = None, *, strangers: bool = True) -> list[Entry]:
    """Every method, ours and strangers', sorted by family and name.

    Args:
        cache: file that keeps what was parsed; rebuilt when a method file is newer.
        strangers: whether to look for entry points (their packages are imported).
    """
    entries = [entry for entry in _ours(cache) if entry.attribute]
    if strangers:
        entries += _strangers()
    return sorted(entries, key=lambda entry: (entry.card.family, entry.card.name))


def find(family: str, name: str) -> Entry:
    """The entry of a method, ours first.

    Raises:
        UnknownName: nobody registered that name in that family.
    """
    for look in (_loaded_ours, catalogue):
        entries = look()
        for entry in entries:
            if entry.card.name == name and (entry.card.family == family or PROTOCOLS[family] in entry.card.provides):
                if entry.error:
                    raise InputError(f"{family} {name!r} of package {entry.package} cannot be loaded: {entry.error}")
                return entry
    raise UnknownName(family, name, [entry.card.name for entry in entries if entry.card.family == family])


@cache
def load(family: str, name: str) -> type:
    """The class of a method; imports its file and nothing else."""
    entry = find(family, name)
    return cast("type", getattr(importlib.import_module(entry.module), entry.attribute))


def create(family: str, name: str, parameters: Mapping[str, Any] | None = None) -> Any:
    """An instance of a method with its parameters.

    Raises:
        InputError: a parameter the method does not have, or a value it does not take.
    """
    cls = load(family, name)
    known = _taken(cls)
    for key in parameters or {}:
        if key not in known:
            raise InputError(
                f"{family} {name!r} has no parameter {key!r}",
                remedy=f"it has: {', '.join(known)}" if known else "it has none",
            )
    try:
        return cls(**(parameters or {}))
    except (TypeError, ValueError) as error:
        raise InputError(f"{family} {name!r}: {error}") from error


@cache
def _taken(cls: type) -> tuple[str, ...]:
    """Names of the parameters of a method."""
    return tuple(inspect.signature(cls).parameters)


@cache
def _loaded_ours() -> list[Entry]:
    return [entry for entry in _ours(None) if entry.attribute]


# -- our own files ----------------------------------------------------------------------------------


def _ours(cache: Path | None) -> list[Entry]:
    root = Path(__file__).resolve().parent.parent
    files = [file for folder in FOLDERS for file in sorted((root / folder).glob("*.py")) if file.name != "__init__.py"]
    stamp = [[str(file.relative_to(root)), file.stat().st_mtime_ns] for file in files]
    if cache is not None:
        known = _read_cache(cache, stamp)
        if known is not None:
            return known
    entries = [entry for file in files if (entry := _parse(file, root)) is not None]
    if cache is not None:
        _write_cache(cache, stamp, entries)
    return entries


def _parse(file: Path, root: Path) -> Entry | None:
    """Read the card of a method file without importing it; None where it has none."""
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    card: Card | None = None
    attribute = ""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == "CARD" for to in node.targets):
            call = node.value
            if not isinstance(call, ast.Call) or call.args:
                raise InputError(f"{file.name}: CARD must be a literal Card(name=..., family=..., ...)")
            card = Card(**{word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg})
        elif isinstance(node, ast.ClassDef) and any(_binds_card(item) for item in node.decorator_list):
            attribute = node.name
    if card is None:
        return None
    module = "scrimp." + ".".join(file.relative_to(root).with_suffix("").parts)
    return Entry(card, module, attribute)


def _binds_card(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "method"


def _read_cache(cache: Path, stamp: list[list[Any]]) -> list[Entry] | None:
    try:
        data = json.loads(cache.read_text(encoding="utf-8"))
        if data["stamp"] != stamp:
            return None
        return [Entry(Card(**_tuples(row["card"])), row["module"], row["attribute"]) for row in data["entries"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # missing, or written by another version: it is rebuilt


def _tuples(card: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in card.items()}


def _write_cache(cache: Path, stamp: list[list[Any]], entries: list[Entry]) -> None:
    rows = [{"card": asdict(entry.card), "module": entry.module, "attribute": entry.attribute} for entry in entries]
    temporary = cache.with_suffix(f".{os.getpid()}.tmp")
    with suppress(OSError):  # a folder that cannot be written costs time, no more
        cache.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"stamp": stamp, "entries": rows}), encoding="utf-8")
        temporary.replace(cache)


# -- strangers' packages ----------------------------------------------------------------------------


def _strangers() -> list[Entry]:
    return [_stranger(point) for point in importlib.metadata.entry_points(group=ENTRY_POINTS)]


def _stranger(point: importlib.metadata.EntryPoint) -> Entry:
    package = point.dist.name if point.dist is not None else point.module
    try:
        card = point.load().card
        if not isinstance(card, Card):
            raise TypeError("its class carries no Card; decorate it with @method(CARD)")
    except Exception as error:  # noqa: BLE001 - a stranger's import may fail in any way; it is told in its row
        card = Card(point.name, "planner", point.name)
        return Entry(card, point.module, point.attr, package, f"{type(error).__name__}: {error}")
    return Entry(card, point.module, point.attr, package)
