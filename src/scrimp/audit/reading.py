"""Files in, Traces out: each file is told by its content, and one that cannot be read becomes a line, not an end.

A reader is a module of `readers/` with two functions:

    sniff(head: Head) -> bool                       is this file mine? by content, not by name
    read(source: Source) -> Iterator[Trace]         its runs, one by one; holds one run in memory, not the file

What a reader cannot use inside a good file (a cut line, a run without messages) it hands to `source.skip`. Where the
file as a whole is wrong it raises InputError. Texts of a trace are untrusted: they are data here, and never run.
"""

from __future__ import annotations

import gzip
import importlib
import io
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Protocol, cast

from scrimp.audit.trace import Trace
from scrimp.core.errors import InputError, UnknownName
from scrimp.evaluate.folder import JOURNAL, RESULT, TRIALS, WHAT

READERS = (
    "journal", "inspect", "swe_agent", "otel", "langsmith", "langfuse", "claude_code", "codex", "anthropic",
    "openai_chat",
)  # fmt: skip
"""Modules of `readers/`, in the order they are asked: the more special a format, the earlier."""

HEAD = 1 << 16
"""Bytes a reader is shown to tell its format."""

LONGEST_LINE = 256 << 20
"""Bytes of one line, or of one document, that are read at once; a longer one is skipped."""

PIECE = 1 << 20
"""Bytes of a line that are read at once."""

BEFORE = 20
"""Lines of other things that may stand before the first record of a file."""

GZIP, ZIP, SQLITE = b"\x1f\x8b", b"PK\x03\x04", b"SQLite format 3\x00"
ENCRYPTED = (b"-----BEGIN PGP MESSAGE", b"-----BEGIN AGE ENCRYPTED", b"age-encryption.org", b"ENCTXT", b"Salted__")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")

LOGS = ("-wal", "-shm")
"""How SQLite calls the two files that it keeps beside another."""

EXPERIMENT = (WHAT, TRIALS, RESULT, "report.html")
"""What stands beside the journal in an experiment's folder."""


class Reader(Protocol):
    """A module of `readers/`."""

    def sniff(self, head: Head) -> bool: ...

    def read(self, source: Source) -> Iterator[Trace]: ...


@dataclass(frozen=True)
class Skipped:
    """What was not read, and why, in one line; texts of the trace are not quoted.

    Attributes:
        path: the file, and the first place in it.
        more: how many other places of the file were left out for the same reason.
    """

    path: str
    why: str
    more: int = 0

    def to_json(self) -> dict[str, str]:
        return {"path": self.path, "why": self.told}

    @property
    def told(self) -> str:
        """Why, and in how many other places too."""
        return f"{self.why}, as in {self.more:,} more places" if self.more else self.why


@dataclass(frozen=True)
class Head:
    """The beginning of a file, decompressed: what a reader tells its format by."""

    path: Path
    data: bytes

    @cached_property
    def text(self) -> str:
        """As UTF-8; what cannot be decoded is replaced."""
        return self.data.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")

    @cached_property
    def first(self) -> Any:
        """The first JSON value of a file of lines; None where its first line is none (a document over many lines)."""
        line = self.text.partition("\n")[0]
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            return None

    def has(self, *keys: str) -> bool:
        """Whether all these JSON keys stand in the beginning; for documents too long to be parsed here."""
        return all(f'"{key}"' in self.text for key in keys)

    def later(self) -> Iterator[Head]:
        """The same from its next records on, for files that begin with lines of other things."""
        rest = self.data
        for _ in range(BEFORE):
            rest = rest.partition(b"\n")[2]
            if rest[:1] in (b"{", b"["):
                yield Head(self.path, rest)


@dataclass
class Source:
    """A file that is read as runs."""

    path: Path
    skipped: list[Skipped] = field(default_factory=list)
    _told: dict[str, int] = field(default_factory=dict)

    def skip(self, where: str, why: str) -> None:
        """Leave out a part of the file: `where` as in `line 17`. The same reason again is counted, not told again."""
        reason = why.partition(" (")[0]
        at = self._told.get(reason)
        if at is None:
            self._told[reason] = len(self.skipped)
            self.skipped.append(Skipped(f"{self.path}:{where}" if where else str(self.path), why))
        else:
            first = self.skipped[at]
            self.skipped[at] = replace(first, more=first.more + 1)

    def open(self) -> IO[bytes]:
        """The bytes, decompressed."""
        return open_bytes(self.path)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of every line that is not blank; too long ones are skipped without being held."""
        with self.open() as file:
            number = 0
            while piece := file.readline(PIECE):
                number += 1
                line = piece if len(piece) < PIECE else _whole(piece, file)
                if line is None:
                    self.skip(f"line {number}", f"longer than {LONGEST_LINE >> 20} MB")
                elif not line.isspace():
                    yield number, line

    def json_lines(self) -> Iterator[tuple[int, Any]]:
        """Number and value of every line; lines that are no JSON are skipped."""
        for number, line in self.lines():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                self.skip(f"line {number}", _no_json(error))

    def items(self) -> Iterator[tuple[str, Any]]:
        """Place and value of every record: of each line, or of each element where the file is one document."""
        if self._is_document():
            document = self.document()
            for at, value in enumerate(document if isinstance(document, list) else [document]):
                yield f"item {at + 1}", value
            return
        for number, value in self.json_lines():
            yield f"line {number}", value

    def _is_document(self) -> bool:
        """Whether the file is one JSON value, over many lines or a list in one."""
        with self.open() as file:
            start = file.read(HEAD).lstrip(b"\xef\xbb\xbf \t\r\n")
        line, ended, rest = start.partition(b"\n")
        closed = line.rstrip()[-1:]
        if start[:1] == b"{":
            return bool(ended) and closed != b"}"
        return start[:1] == b"[" and not (closed == b"]" and rest.strip())

    def document(self) -> Any:
        """The whole file as one JSON value.

        Raises:
            InputError: it is none, or too large to be held.
        """
        with self.open() as file:
            known = self.path.stat().st_size if isinstance(file, io.BufferedReader) else 0
            data = file.read(LONGEST_LINE + 1) if known <= LONGEST_LINE else b""
        if known > LONGEST_LINE or len(data) > LONGEST_LINE:
            raise InputError(
                f"one JSON document of more than {LONGEST_LINE >> 20} MB", remedy="one run a line is read at any length"
            )
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InputError(_no_json(error)) from error


def _whole(piece: bytes, file: IO[bytes]) -> bytes | None:
    """A long line by its first piece; None where it is longer than any that is read. The file is left behind it."""
    pieces, length = [piece], len(piece)
    while not piece.endswith(b"\n") and (piece := file.readline(PIECE)):
        length += len(piece)
        if length > LONGEST_LINE:
            pieces.clear()
        else:
            pieces.append(piece)
    return b"".join(pieces) if length <= LONGEST_LINE else None


def open_bytes(path: Path) -> IO[bytes]:
    """A file's bytes, gunzipped where its content says that it is gzip."""
    with path.open("rb") as file:
        start = file.read(2)
    return cast(IO[bytes], gzip.open(path, "rb")) if start == GZIP else path.open("rb")


def read(path: Path, format_: str = "", skipped: list[Skipped] | None = None) -> Iterator[Trace]:
    """The runs of one file.

    Args:
        format_: name of a reader; told from the content where empty.
        skipped: takes what could not be read.

    Raises:
        InputError: nothing can be made of the file; the message is one line.
    """
    reader = reader_of(path, format_)
    source = Source(path, [] if skipped is None else skipped)
    try:
        yield from reader.read(source)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError("the compressed file is cut or damaged") from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError("the text is not UTF-8") from error


def reader_of(path: Path, format_: str = "") -> Reader:
    """The reader of a file.

    Raises:
        UnknownName: no reader is called so.
        InputError: the content is none that any reader knows.
    """
    if format_:
        name = format_.replace("-", "_")
        if name not in READERS:
            raise UnknownName("trace format", format_, [name.replace("_", "-") for name in READERS])
        return _load(name)
    head = head_of(path)
    for beginning in itertools.chain((head,), head.later()):
        for name in READERS:
            reader = _load(name)
            if reader.sniff(beginning):
                return reader
    raise InputError(_why_unknown(head))


def head_of(path: Path) -> Head:
    """The beginning of a file.

    Raises:
        InputError: it cannot be opened, or holds nothing.
    """
    if path.exists() and not path.is_file():
        raise InputError("no regular file")
    try:
        with open_bytes(path) as file:
            data = file.read(HEAD)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError("the compressed file is cut or damaged") from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from error
    if not data.strip():
        raise InputError("the file is empty")
    return Head(path, data)


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files of these paths: folders are walked, in order of names.

    Hidden files are left out, and what stands beside a journal of ours: its log, and what an experiment wrote of the
    runs that the journal holds.
    """
    for path in paths:
        if path.is_dir():
            inside = (item for item in path.rglob("*") if item.is_file() and not _beside_a_journal(item))
            yield from sorted(
                item for item in inside if not any(part.startswith(".") for part in item.relative_to(path).parts)
            )
        else:
            yield path


def _beside_a_journal(path: Path) -> bool:
    if path.name.endswith(LOGS):
        return path.with_name(path.name[: -len(LOGS[0])]).exists()
    return path.name in EXPERIMENT and path.with_name(JOURNAL).exists()


def _load(name: str) -> Reader:
    return cast(Reader, importlib.import_module(f"scrimp.audit.readers.{name}"))


def _no_json(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "the text is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        end = error.pos >= len(error.doc.rstrip()) or "Unterminated" in error.msg
        return "the JSON is cut off" if end else f"no JSON ({error.msg} at character {error.pos})"
    return "nested too deeply" if isinstance(error, RecursionError) else "no JSON"


def _why_unknown(head: Head) -> str:
    if head.data.startswith(ENCRYPTED):
        return "encrypted"
    if head.data.startswith(UTF_16):
        return "the text is UTF-16, not UTF-8"
    if b"\x00" in head.data[:4096]:
        return "binary, and no format that is known"
    return "no trace format that is known"
