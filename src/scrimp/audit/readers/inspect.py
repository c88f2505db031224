"""Inspect evaluation logs, as one JSON document or as an `.eval` archive: one run for each sample and epoch.

An archive holds its samples one member each, or, large ones, in pieces: a shell, and chunks of events, messages and
attachments, each named by the place of its first item. One sample is held at a time.
"""

from __future__ import annotations

import importlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from scrimp.audit.inspect_sample import run_of
from scrimp.audit.reading import LONGEST_LINE, ZIP, Head, Source
from scrimp.audit.trace import Trace
from scrimp.core.errors import InputError

ENCRYPTED = 1
"""Bit of a member's flags."""

ZSTANDARD = 93
"""Method of a member that newer versions of Inspect pack."""

PACKED = (
    "packed with Zstandard, which Python before 3.14 cannot unpack: `pip install zipfile-zstd`, or "
    "`inspect log convert --to json`"
)

SHELL, CHUNKS = "/sample.json", ("events", "messages", "attachments")


def sniff(head: Head) -> bool:
    """Whether it is a log of Inspect."""
    if head.data.startswith(ZIP):
        return b"_journal/" in head.data or b"header.json" in head.data or b"samples/" in head.data
    return head.text[:1] == "{" and head.has("eval", "run_id", "task") and head.has("status", "version")


def read(source: Source) -> Iterator[Trace]:
    """One run for each sample.

    Raises:
        InputError: it is none, holds no samples, or is packed in a way that cannot be unpacked here.
    """
    with source.open() as file:
        packed = file.read(4) == ZIP
    if packed:
        yield from _archive(source)
        return
    data = source.document()
    if not isinstance(data, dict) or not isinstance(data.get("eval"), dict):
        raise InputError("no log of Inspect")
    samples = data.get("samples")
    if not isinstance(samples, list) or not samples:
        raise InputError("a log without samples (it was written without them)")
    for at, sample in enumerate(samples):
        yield from _checked(source, f"samples[{at}]", sample, data["eval"])


def _archive(source: Source) -> Iterator[Trace]:
    """The samples of an archive, one at a time."""
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            names = sorted(info.filename for info in archive.infolist() if info.filename.startswith("samples/"))
            if not names:
                raise InputError("a log without samples")
            if any(info.flag_bits & ENCRYPTED for info in archive.infolist()):
                raise InputError("encrypted")
            if any(info.compress_type == ZSTANDARD for info in archive.infolist()):
                _learn_zstandard()
            head = _member(source, archive, "header.json") or _member(source, archive, "_journal/start.json")
            info = head.get("eval") if isinstance(head, dict) else None
            shells = [name.removesuffix(SHELL) + "/" for name in names if name.endswith(SHELL)]
            pieces = {shell: [name for name in names if name.startswith(shell)] for shell in shells}
            whole = set(names).difference(*pieces.values())
            for name in sorted([*whole, *pieces]):
                sample = _put_together(source, archive, name, pieces[name]) if name in pieces \
                    else _member(source, archive, name)  # fmt: skip
                if sample is not None:
                    yield from _checked(source, name, sample, info if isinstance(info, dict) else {})
    except zipfile.BadZipFile as error:
        raise InputError("the archive is cut or damaged") from error
    except NotImplementedError as error:
        raise InputError(PACKED) from error


def _learn_zstandard() -> None:
    """Teach `zipfile` to unpack Zstandard by the package that Inspect uses for it, where that is installed."""
    if not hasattr(zipfile, "ZIP_ZSTANDARD"):  # it is there from Python 3.14 on
        with suppress(ImportError):
            importlib.import_module("zipfile_zstd")


def _member(source: Source, archive: zipfile.ZipFile, name: str) -> Any:
    """A member's JSON; None where it cannot be read."""
    try:
        info = archive.getinfo(name)
        if info.file_size > LONGEST_LINE:
            source.skip(name, f"larger than {LONGEST_LINE >> 20} MB")
            return None
        return json.loads(archive.read(name))
    except KeyError:
        return None
    except (ValueError, RecursionError, zipfile.BadZipFile, zlib.error, OSError, EOFError):
        source.skip(name, "cut or damaged")
    return None


def _put_together(source: Source, archive: zipfile.ZipFile, name: str, members: list[str]) -> Any:
    """A sample that was written in pieces, as one that was not."""
    sample = _member(source, archive, name.rstrip("/") + SHELL)
    if not isinstance(sample, dict):
        return None
    found: dict[str, list[Any]] = {}
    for sequence in CHUNKS:
        prefix = f"{name}{sequence}/"
        starts = (one.removeprefix(prefix).removesuffix(".json") for one in members if one.startswith(prefix))
        chunks = (
            _member(source, archive, f"{prefix}{at}.json") for at in sorted(int(s) for s in starts if s.isdigit())
        )
        found[sequence] = [item for chunk in chunks if isinstance(chunk, list) for item in chunk]
    return {
        **sample, "events": found["events"], "events_data": {"messages": found["messages"]},
        "attachments": {str(at): text for at, text in enumerate(found["attachments"])},
    }  # fmt: skip


def _checked(source: Source, place: str, sample: Any, info: Mapping[str, Any]) -> Iterator[Trace]:
    """The sample's run; one without calls of a model is skipped."""
    trace = run_of(str(source.path), place, sample, info) if isinstance(sample, dict) else None
    if trace is None:
        source.skip(place, "no sample")
    elif trace.steps:
        yield trace
    else:
        source.skip(place, "no call of a model")
