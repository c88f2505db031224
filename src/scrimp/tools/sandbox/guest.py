"""What runs inside: it puts the guard up, runs the program, and carries its calls to the host.

It is sent into the sandbox as source, below guard.py, so it knows the standard library only. Lines of JSON go both ways
over what were standard input and output; what the program prints goes to standard error, which the host reads as
its output. The program could write to the host itself: it can say there what it can do anyway, and no more.

    host:   {"code", "memory", "seconds", "file", "functions": [[name, tool, [argument, ...]], ...]}
    guest:  {"ready": true}    {"calls": [[tool, {arguments}], ...]}    {"end": null or "error"}
    host:   [{"value": ...} or {"error": text, "kind": "tool" or "budget"}, ...]
"""

import ast
import json
import linecache
import os
import sys
import threading
import traceback
from typing import IO, Any

PROGRAM = "<program>"


class ToolError(Exception):
    """A tool refused or failed, or nobody knows whether it took effect."""


class BudgetError(Exception):
    """The budget does not bear the call; nothing was called."""


class Host:
    """The host's end of the line, for one question at a time."""

    def __init__(self, heard: IO[bytes], told: IO[bytes]) -> None:
        self._heard, self._told, self._lock = heard, told, threading.Lock()

    def say(self, message: Any) -> None:
        self._told.write(json.dumps(message).encode() + b"\n")
        self._told.flush()

    def hear(self) -> Any:
        return json.loads(self._heard.readline())

    def call(self, calls: list[Any]) -> list[Any]:
        """Have tools called, all at once; the first failure is raised when all have ended."""
        with self._lock:
            self.say({"calls": calls})
            answers = self.hear()
        for answer in answers:
            if "error" in answer:
                raise (BudgetError if answer["kind"] == "budget" else ToolError)(answer["error"])
        return [answer["value"] for answer in answers]

    def function(self, tool: str, names: list[str]) -> Any:
        """A tool as a function that takes its arguments in their order or by name."""

        def arguments(*given: Any, **named: Any) -> list[Any]:
            return [tool, {**dict(zip(names, given, strict=False)), **named}]

        def function(*given: Any, **named: Any) -> Any:
            return self.call([arguments(*given, **named)])[0]

        function.arguments = arguments  # type: ignore[attr-defined]
        return function

    def together(self, *calls: Any) -> list[Any]:
        """Calls that do not need each other's results, at once: `together((function, {arguments}), ...)`."""
        return self.call([function.arguments(**arguments) for function, arguments in calls])


def run(code: str, names: dict[str, Any]) -> str | None:
    """Run a program; the value of its last line is printed if it is an expression. None, or `error` where it failed."""
    linecache.cache[PROGRAM] = (len(code), None, code.splitlines(True), PROGRAM)  # so that tracebacks show its lines
    try:
        tree = ast.parse(code, PROGRAM)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, PROGRAM, "exec"), names)
        if isinstance(last, ast.Expr):
            show(eval(compile(ast.Expression(last.value), PROGRAM, "eval"), names))
    except SystemExit as end:
        return None if end.code in (None, 0) else "error"
    except BaseException as error:  # noqa: BLE001 - whatever a program raises is its outcome
        within = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == PROGRAM]
        head = ["Traceback (most recent call last):\n", *traceback.format_list(within)] if within else []
        sys.stderr.write("".join([*head, *traceback.format_exception_only(error)]))
        return "error"
    return None


def show(value: Any) -> None:
    """Print a value so that it reads well: text as it is, JSON where it can be, else what Python shows."""
    if value is None:
        return
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    sys.stdout.write(text + "\n")


def main() -> None:
    """Take the three pipes, put the guard up, and run what the host sends."""
    heard, told = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.closerange(nothing, 4096)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stderr = sys.stdout
    host = Host(os.fdopen(heard, "rb"), os.fdopen(told, "wb"))
    asked = host.hear()
    guard(asked["memory"], asked["seconds"], asked["file"])  # type: ignore[name-defined]  # noqa: F821
    host.say({"ready": True})
    names = {name: host.function(tool, arguments) for name, tool, arguments in asked["functions"]}
    own = {"__name__": "__main__", "ToolError": ToolError, "BudgetError": BudgetError, "together": host.together}
    outcome = run(asked["code"], {**own, **names})
    sys.stdout.flush()
    host.say({"end": outcome})
    os._exit(0)  # threads that the program left behind end with it


if __name__ == "__main__":
    main()
