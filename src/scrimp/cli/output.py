"""What goes to standard output and standard error: one JSON document, words for people, one line for a failure.

A reader that goes away (`| head`) ends the printing, not the command.
"""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO


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
