"""Official files of a benchmark: where they are, reading them row by row, one clear line where they are not right."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from scrimp.core.errors import InputError
from scrimp.journal.home import home

ENDINGS = (".jsonl.gz", ".json.gz", ".jsonl", ".json")
AGAIN = "take the official file again"
SAMPLE = "sample"
"""The `data` that means scrimp's own small sample in the official format."""

T = TypeVar("T")
Row = dict[str, Any]
Checked = tuple[str, Row]
"""Where a row stands (`file: item ID`), and the row."""


class Source:
    """The folder of one benchmark's official files.

    Args:
        name: of the benchmark, which is the name of its folder in SCRIMP_DATA.
        data: that folder, or one that holds it; `sample` for scrimp's own sample; else SCRIMP_DATA or SCRIMP_HOME.

    Raises:
        InputError: no such folder.
    """

    def __init__(self, name: str, data: Path | str | None = None) -> None:
        self.name = name
        self.sample = str(data) == SAMPLE and not Path(SAMPLE).is_dir()
        if self.sample:
            self.folder = samples(name)
            return
        if data is None:
            found = find(name)
            if found is None:
                raise InputError(f"{name} needs its official data", remedy=self.remedy)
            self.folder = found
            return
        folder = Path(data).expanduser()
        if not folder.is_dir():
            raise InputError(f"there is no data folder {folder}", remedy=self.remedy)
        self.folder = folder / name if (folder / name).is_dir() else folder

    @property
    def remedy(self) -> str:
        """What to do where a file is not there."""
        return (
            f"--data DIR or SCRIMP_DATA names the official files, `scrimp bench show {self.name}` says where they come "
            f"from, and '{self.name}?data={SAMPLE}' is a small sample of scrimp's own"
        )

    def version(self, official: str) -> str:
        """The version to state: the official one, or that it is our sample."""
        return f"{official}, scrimp's own sample" if self.sample else official

    def has(self, *stems: str) -> bool:
        """Whether one of these files is there."""
        return any((self.folder / f"{stem}{ending}").is_file() for stem in stems for ending in ENDINGS)

    def file(self, *stems: str) -> Path:
        """The first of these files that is there, plain or gzipped; stems are without their ending.

        Raises:
            InputError: none of them is.
        """
        for stem in stems:
            for ending in ENDINGS:
                path = self.folder / f"{stem}{ending}"
                if path.is_file():
                    return path
        wanted = self.folder / f"{stems[0]}{ENDINGS[0]}"
        raise InputError(f"there is no file {wanted} (nor plain .json or .jsonl)", remedy=self.remedy)

    def rows(self, *stems: str, key: str = "id") -> Iterator[Checked]:
        """The rows of the first of these files that is there: lines of JSON, or the elements of one JSON list.

        Args:
            key: the field that names a row; empty where they are only numbered.

        Raises:
            InputError: it cannot be read, or a row is no object with that field.
        """
        path = self.file(*stems)
        for number, row in enumerate(_values(path), 1):
            if not isinstance(row, dict) or (key and key not in row):
                named = f" with field {key!r}" if key else ""
                raise InputError(
                    f"{path.name}: line {number} is no object{named}",
                    remedy=f"is it the file of {self.name} in the version that `scrimp bench show` states?",
                )
            yield f"{path.name}: item {row[key] if key else number}", row

    def document(self, *stems: str) -> Any:
        """The first of these files that is there, as one JSON value.

        Raises:
            InputError: it cannot be read.
        """
        path = self.file(*stems)
        text = "".join(_lines(path))
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{path.name}: line {error.lineno} is no JSON ({error.msg})", remedy=AGAIN) from error

    def text(self, name: str) -> str:
        """A text file by its whole name.

        Raises:
            InputError: it is not there, or no UTF-8.
        """
        path = self.folder / name
        if not path.is_file():
            raise InputError(f"there is no file {path}", remedy=self.remedy)
        return "".join(_lines(path))


def samples(name: str) -> Path:
    """The folder of our own few items of a benchmark, in its official format."""
    return Path(str(resources.files("scrimp.evaluate.benchmarks") / "samples" / name))


def find(name: str) -> Path | None:
    """The folder of a benchmark's files under SCRIMP_DATA (or that folder itself), else under SCRIMP_HOME."""
    named = os.environ.get("SCRIMP_DATA")
    places = [home() / "bench" / name]
    if named:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise InputError(f"SCRIMP_DATA: there is no folder {folder}", remedy="set it to the folder of the data")
        places.insert(0, folder / name)
    return next((place for place in places if place.is_dir()), None)


def _lines(path: Path) -> Iterator[str]:
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for line in lines:
                number += 1
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name}: unreadable after line {number} ({error})",
            remedy="the file is damaged or cut off; take it again",
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})", remedy="--data DIR") from error


def _values(path: Path) -> Iterator[Any]:
    """The values of a file of lines, or of one list over many lines."""
    lines = _lines(path)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            if number > 1 or not line.lstrip().startswith("["):
                raise InputError(f"{path.name}: line {number} is no JSON ({error.msg})", remedy=AGAIN) from error
            yield from _whole(path, line + "".join(lines))
            return
        if isinstance(value, list) and number == 1:
            yield from value
        else:
            yield value


def _whole(path: Path, text: str) -> Iterator[Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path.name}: line {error.lineno} is no JSON ({error.msg})", remedy=AGAIN) from error
    yield from value if isinstance(value, list) else [value]


# -- fields -------------------------------------------------------------------------------------------


def bad(where: str, field: str, what: str) -> InputError:
    """The error of a field that is not as it must be."""
    return InputError(f"{where}: field {field!r} {what}", remedy=AGAIN)


_KINDS: Mapping[type, str] = {
    str: "no text", list: "no list", dict: "no object", int: "no whole number", bool: "not true or false",
}  # fmt: skip


def field(where: str, row: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """A field of a row, which must be there and of its kind.

    Raises:
        InputError: it is not.
    """
    if name not in row:
        raise bad(where, name, "is missing")
    value = row[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise bad(where, name, f"is {_KINDS.get(kind, 'not as it must be')}: {json.dumps(value)[:60]}")
    return value


def moment(where: str, name: str, said: str, form: str) -> float:
    """Seconds since the epoch of a moment as a file writes it, taken as UTC; 0 where it says none.

    Raises:
        InputError: it is of another form (as `strptime` has it).
    """
    if not said.strip():
        return 0.0
    try:
        return datetime.strptime(said.strip(), form).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise bad(where, name, f"is no moment as in {datetime(2023, 5, 20, 14, 21):{form}}: {said[:40]!r}") from None


def texts(where: str, row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A field that is a list of texts.

    Raises:
        InputError: it is not.
    """
    values = field(where, row, name, list)
    if not all(isinstance(value, str) for value in values):
        raise bad(where, name, "is not a list of texts")
    return tuple(values)


def by_id(items: Iterable[T], identity: Callable[[T], str], where: Callable[[T], str]) -> dict[str, T]:
    """Items under their ids.

    Raises:
        InputError: two of one id.
    """
    found: dict[str, T] = {}
    for item in items:
        if identity(item) in found:
            raise InputError(f"{where(item)}: the id {identity(item)!r} stands there twice", remedy=AGAIN)
        found[identity(item)] = item
    return found


def one_of(where: str, name: str, value: Any, known: Sequence[str]) -> str:
    """A field's value, which must be one of the known ones.

    Raises:
        InputError: it is not.
    """
    if value not in known:
        raise bad(where, name, f"is {value!r}, not one of {', '.join(known)}: is it another version of the set?")
    return str(value)
