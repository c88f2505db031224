"""What `doctor` looks at, one small function each."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrimp.core.errors import ScrimpError
from scrimp.core.version import VERSION
from scrimp.journal.home import home

ROOM = 2 << 30
"""Free bytes that the packaged models and a journal want."""

KEYS = {"OPENAI_API_KEY": "openai:NAME", "SCRIMP_API_KEY": "URL#NAME, where the server wants one"}
"""Environment variables that hold keys (never printed), and the models that want them."""


@dataclass(frozen=True)
class Check:
    """One finding; `core` where nothing works without it."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    core: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "ok": self.ok, "detail": self.detail, "remedy": self.remedy}


def examine() -> list[Check]:
    """Every check, the core's first."""
    checks = [_python(), *_home()]
    if all(check.ok for check in checks):
        folder = home()
        checks += [
            _room(folder),
            *_journal(),
            _cores(),
            _runtime(),
            *_models(folder),
            _servers(folder),
            _methods(folder),
        ]
        checks += [*_sandboxes()]
        checks += [*_benchmarks(folder), *_keys()]
    return checks


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    fine = sys.version_info >= (3, 11)
    return Check(
        "python", fine, f"{version}, scrimp {VERSION}", "" if fine else "install Python 3.11 or newer", core=True
    )


def _home() -> Iterator[Check]:
    """Whether SCRIMP_HOME can be written and SQLite keeps a write-ahead log there."""
    try:
        folder = home()
        probe = folder / f".doctor-{os.getpid()}.sqlite"
        try:
            with closing(sqlite3.connect(probe)) as database:
                mode = database.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                database.execute("CREATE TABLE probe (x)")
        finally:
            for path in folder.glob(f"{probe.name}*"):
                path.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        named = os.environ.get("SCRIMP_HOME", "the platform's data folder")
        yield Check("home", False, f"{named}: {error}", "set SCRIMP_HOME to a folder that may be written", core=True)
        return
    yield Check("home", True, str(folder), core=True)
    wal = mode.lower() == "wal"
    remedy = "" if wal else "set SCRIMP_HOME to a local disk: this file system cannot share memory"
    yield Check("sqlite", wal, f"{sqlite3.sqlite_version}, journal mode {mode}", remedy, core=True)


def _room(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    enough = free >= ROOM
    return Check(
        "disk", enough, f"{free / 1e9:.1f} GB free", "" if enough else "2 GB are wanted for the packaged models"
    )


def _journal() -> Iterator[Check]:
    """Whether the journal that SCRIMP_JOURNAL names can be opened; nothing where it names none."""
    from scrimp.journal.journal import SERVER, Journal

    if os.environ.get(SERVER):
        try:
            Journal().close()
        except ScrimpError as error:
            yield Check("journal", False, str(error), f"correct or unset {SERVER}")
        else:
            yield Check("journal", True, f"the one that {SERVER} names opens")


def _cores() -> Check:
    from scrimp.models.embedded import physical_cores, threads_to_use

    try:
        threads = threads_to_use(None)
    except ScrimpError as error:
        return Check("cores", False, str(error), "unset SCRIMP_THREADS, or set it to a number from 1")
    return Check("cores", True, f"{physical_cores()} physical, a local model takes {threads}")


def _runtime() -> Check:
    from scrimp.models.weights import importable

    if not importable("xllamacpp"):
        return Check("local models", False, "xllamacpp is not installed", "pip install 'scrimp[local]'")
    return Check("local models", True, f"xllamacpp {_version('xllamacpp')}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _models(folder: Path) -> Iterator[Check]:
    from scrimp.models.weights import available

    for row in available(folder):
        name, here = row["name"], row["available"]
        what = "model" if row["kind"] == "language" else "embedder"
        remedy = f"scrimp models get {name}" if not name.startswith("gguf:") else "scrimp models add FILE"
        yield Check(f"{what} {name}", here, "here" if here else "not here", "" if here else remedy)


def _servers(folder: Path) -> Check:
    from scrimp.models.embedded import running

    names = [f"{one.model_name} at {one.url}" for one in running(folder)]
    return Check("model servers", True, ", ".join(names) or "none running")


def _sandboxes() -> Iterator[Check]:
    """Which sandboxes hold programs of a model's here; one that does is enough."""
    import anyio

    from scrimp.tools.sandbox.backends import BACKENDS
    from scrimp.tools.sandbox.trial import fault

    for sandbox in BACKENDS:
        why = anyio.run(fault, sandbox)
        remedy = "pip install 'scrimp[sandbox]'" if sandbox.name == "sandlock" else "your system's package bubblewrap"
        yield Check(f"sandbox {sandbox.name}", not why, why or "holds programs", remedy if why else "")


def _methods(folder: Path) -> Check:
    from scrimp.core.registry import catalogue

    entries = catalogue(folder / "cache" / "catalogue.json")
    broken = [f"{entry.package}: {entry.error}" for entry in entries if entry.error]
    found = f"{len(entries) - len(broken)} methods"
    if not broken:
        return Check("methods", True, found)
    return Check(
        "methods", False, f"{found}; cannot be loaded: {'; '.join(broken)}", "mend or uninstall those packages"
    )


def _benchmarks(folder: Path) -> Iterator[Check]:
    from scrimp.cli.options import data_folder
    from scrimp.evaluate.benchmarks.entries import BENCHMARKS

    for entry in BENCHMARKS.values():
        if entry.needs_data:
            found = data_folder(entry.name, None)
            remedy = "" if found else f"scrimp bench get {entry.name} --data DIR"
            yield Check(f"bench {entry.name}", found is not None, str(found or "no official data"), remedy)


def _keys() -> Iterator[Check]:
    for name, used in KEYS.items():
        there = bool(os.environ.get(name))
        detail = "set" if there else "not set"
        yield Check(name, there, detail, "" if there else f"only needed for {used}")
