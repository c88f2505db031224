"""Every failure as one line on standard error and an exit code; what nobody foresaw leaves its traceback in a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from scrimp.cli.output import complain
from scrimp.core.errors import InputError, ScrimpError

WRONG, FAILED, INTERRUPTED = 2, 4, 130


def report(error: BaseException) -> int:
    """Print the line of a failure and return its exit code."""
    error = _innermost(error)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        complain("interrupted")
        return INTERRUPTED
    if isinstance(error, typer.TyperException):
        complain(_usage(error))
        return WRONG
    if isinstance(error, ScrimpError):
        complain(str(error))
        return error.exit_code
    return _unforeseen(error)


def check_home() -> None:
    """Refuse a SCRIMP_HOME that can be no folder.

    Raises:
        InputError: it names something else, or may not be written.
    """
    named = os.environ.get("SCRIMP_HOME", "")
    folder = Path(named).expanduser()
    there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    if named and not (there.is_dir() and os.access(there, os.W_OK)):
        raise InputError(f"SCRIMP_HOME={named} cannot be used", remedy="name a folder that may be written")


def _innermost(error: BaseException) -> BaseException:
    """What is inside a group of failures: the first that says most."""
    while isinstance(error, BaseExceptionGroup):
        inside = sorted(error.exceptions, key=lambda one: not isinstance(_innermost(one), ScrimpError))
        error = inside[0]
    return error


def _usage(error: typer.TyperException) -> str:
    """A wrong option or argument in one line, with the command whose help says more."""
    context = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split()).rstrip(".")
    return f"{message} (try '{context.command_path} --help')" if context is not None else message


def _unforeseen(error: BaseException) -> int:
    if isinstance(error, OSError):
        try:
            check_home()
        except InputError as wrong:
            complain(str(wrong))
            return wrong.exit_code
    where = _write_down(error)
    said = " ".join(str(error).split())
    complain(f"{type(error).__name__}{f': {said}' if said else ''}{f' (traceback in {where})' if where else ''}")
    return FAILED


def _write_down(error: BaseException) -> Path | None:
    """Keep the traceback under SCRIMP_HOME/logs; None where that cannot be written."""
    import time
    import traceback

    from scrimp.core.version import VERSION
    from scrimp.journal.home import home

    facts = f"scrimp {VERSION}, Python {sys.version.split()[0]}, {sys.platform}"
    try:
        file = home() / "logs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{facts}\n{''.join(traceback.format_exception(error))}", encoding="utf-8")
    except OSError:
        return None
    return file
