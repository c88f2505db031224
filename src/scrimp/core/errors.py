"""Every error scrimp raises on purpose, in one file.

    ScrimpError                     code, exit code, remedy
    +-- InputError             2    the caller's input is wrong; the message says how to mend it
    |   +-- UnknownName        2    no method, model, benchmark or system of that name
    |   +-- MissingExtra       2    an optional dependency or a packaged model is not installed
    |   +-- DoorClosed         2    a Context door that nothing stands behind in this System
    |   +-- UnknownPrice       2    a money limit meets something whose price nobody stated
    +-- BudgetExceeded         3    the next call does not fit; nothing was spent beyond the limit
    +-- OutsideError           4    something outside failed: provider, server, disk
    |   +-- ModelFailed        4    a model could not answer; status and retry-after where known
    |   +-- JournalFailed      4    the journal could not be read or written
    |   +-- StoreFailed        4    a store of records could not be read or written
    +-- ReplayMismatch         4    a recorded run asked for something else this time

A tool that fails is not an error of this tree: its failure is an observation for the agent.
The command line prints `str(error)` and exits with `exit_code`; no traceback for any of these.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class ScrimpError(Exception):
    """Base of the tree.

    Args:
        message: one line that says what is wrong.
        remedy: one line that says how to mend it, printed after the message.
    """

    code = "error"
    exit_code = 4

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args, self.__dict__)  # whatever arguments a subclass takes


def _again(kind: type[ScrimpError], args: tuple[Any, ...], state: dict[str, Any]) -> ScrimpError:
    """An error that was sent from another process."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class InputError(ScrimpError):
    """The caller's input is wrong."""

    code = "input"
    exit_code = 2


class UnknownName(InputError):
    """No `kind` is called `name`; the nearest known names are offered."""

    code = "unknown_name"

    def __init__(self, kind: str, name: str, known: Iterable[str] = (), *, remedy: str = "") -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
        if not remedy and near:
            remedy = f"did you mean {' or '.join(near)}?"
        elif not remedy and names:
            remedy = f"known: {', '.join(names[:12])}"
        super().__init__(f"no {kind} is called {name!r}", remedy=remedy)
        self.kind, self.name = kind, name


class MissingExtra(InputError):
    """An optional part is not installed; the remedy is the command that gets it."""

    code = "missing_extra"


class DoorClosed(InputError):
    """A door of the Context that this System put nothing behind."""

    code = "door_closed"


class UnknownPrice(InputError):
    """A money limit cannot be kept, since a price is unknown."""

    code = "unknown_price"


class BudgetExceeded(ScrimpError):
    """The smallest form of the next call does not fit the budget.

    Attributes:
        key: which limit (`usd`, `tokens`, `tool_calls.NAME`, ...).
        limit, spent, reserved, needed: amounts in the key's own unit.
    """

    code = "budget"
    exit_code = 3

    def __init__(self, key: str, *, limit: Any, spent: Any, reserved: Any, needed: Any, what: str = "call") -> None:
        super().__init__(
            f"budget {key}={limit} would be passed: spent {spent}, reserved {reserved}, "
            f"the next {what} needs up to {needed}",
            remedy=f"raise {key} or shorten the task",
        )
        self.key, self.limit, self.spent, self.reserved, self.needed = key, limit, spent, reserved, needed


class OutsideError(ScrimpError):
    """Something outside scrimp failed."""

    code = "outside"
    exit_code = 4


class ModelFailed(OutsideError):
    """A model could not answer.

    Attributes:
        status: HTTP status, None where no answer came.
        retry_after: seconds the provider asked to wait, None where it said nothing.
        retryable: whether the same request may succeed later.
        sent: whether the request may have reached the provider (then it may have been billed).
        begun: whether it failed inside an answer that had begun, so it may have been billed whatever the status.
    """

    code = "model"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        retryable: bool = False,
        sent: bool = True,
        begun: bool = False,
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status, self.retry_after, self.retryable, self.sent = status, retry_after, retryable, sent
        self.begun = begun


class JournalFailed(OutsideError):
    """The journal could not be read or written."""

    code = "journal"


class StoreFailed(OutsideError):
    """A store of records could not be read or written."""

    code = "store"


def one_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What calls that ran at once failed with: a BudgetExceeded, else the first error, where all are of this tree.

    The group itself where it holds anything else.
    """
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += [one_of(error)] if isinstance(error, BaseExceptionGroup) else [error]
    if not all(isinstance(error, ScrimpError) for error in leaves):
        return group
    return next((error for error in leaves if isinstance(error, BudgetExceeded)), leaves[0])


class ReplayMismatch(ScrimpError):
    """A recorded run asked for something else this time, so its record cannot answer."""

    code = "replay_mismatch"
