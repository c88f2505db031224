"""What goes to standard output and standard error: one JSON document, or words and tables for people.

rich is imported when a table is printed. A reader that goes away (`| head`) ends the printing, not the command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.table import Table

PIPED_WIDTH = 160
"""Columns where the output is no terminal and COLUMNS does not say."""


def write(text: str, to: TextIO | None = None) -> None:
    """Write text as it is; characters that the stream's encoding lacks become `?`."""
    stream = to or sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        _to_nowhere(stream)


def complain(message: str) -> None:
    """One line on standard error that says what is wrong."""
    write(f"scrimp: {one_line(message)}\n", sys.stderr)


def note(message: str) -> None:
    """A line on standard error for people: what is going on."""
    write(f"{one_line(message)}\n", sys.stderr)


def emit(document: Any) -> None:
    """The one JSON document of a command."""
    import json

    ascii_only = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    text = json.dumps(_finite(document), ensure_ascii=ascii_only, indent=2, default=str, allow_nan=False)
    write(text.encode("utf-8", "replace").decode() + "\n")


def _finite(value: Any) -> Any:
    """The document without NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value


def close(code: int) -> int:
    """Flush what was printed; the exit code stays what it was, whoever stopped reading."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _to_nowhere(stream)
    return code


def _to_nowhere(stream: TextIO) -> None:
    """Point a stream that nobody reads at the null device, so that the interpreter's last flush is quiet."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return  # no file behind it, so there is nothing to flush to
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)


# -- text --------------------------------------------------------------------------------------------


def safe(text: str) -> str:
    """Text that cannot steer a terminal: control characters are dropped, line ends and tabs stay."""
    return "".join(char for char in text if char in "\n\t" or (char.isprintable() or char == "\u3000"))


def one_line(text: str) -> str:
    """Text on one line, without control characters."""
    return " ".join(safe(text.replace("\r", " ")).split())


def short(text: str, limit: int) -> str:
    """The beginning of a text on one line."""
    line = one_line(text)
    return line if len(line) <= limit else f"{line[: limit - 3].rstrip()}..."


# -- tables ------------------------------------------------------------------------------------------


def width() -> int:
    """Columns that a line may have."""
    import shutil

    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns


def table(*headers: str, right: Iterable[str] = (), title: str = "", fixed: Iterable[str] = ()) -> Table:
    """An empty table.

    Args:
        headers: one per column; those in `right` hold numbers.
        fixed: columns that are never broken or shortened.
    """
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False, show_edge=False)
    numbers, whole = set(right), set(fixed)
    for header in headers:
        made.add_column(
            header,
            justify="right" if header in numbers else "left",
            no_wrap=header in numbers or header in whole,
            overflow="fold",
        )
    return made


def show(*parts: Any) -> None:
    """Print tables and texts for people, in the width of the terminal; colours only on a terminal."""
    import io

    from rich.console import Console

    encoding = sys.stdout.encoding or "utf-8"
    page = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="")
    console = Console(
        file=page, force_terminal=sys.stdout.isatty(), width=width(), markup=False, highlight=False, emoji=False
    )
    for part in parts:
        console.print(part)
    page.flush()
    page.seek(0)
    # A table pads its lines to its width, and nobody wants the blanks in a file.
    write("".join(f"{line.rstrip(' ')}\n" for line in page.read().splitlines()))


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and values, one pair per line; pairs without a value are left out."""
    from rich.table import Table

    made = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True, style="dim")
    made.add_column(overflow="fold")
    for name, value in rows:
        if value:
            made.add_row(name, safe(value))
    return made


def bar(share: float, cells: int = 12) -> str:
    """A share from 0 to 1 as a bar."""
    full = round(max(0.0, min(1.0, share)) * cells * 2)
    unicode = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    if not unicode:
        return "#" * round(full / 2)
    return "━" * (full // 2) + ("╸" if full % 2 else "")
