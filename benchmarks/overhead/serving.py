"""The other end of the pipe: a framework's process, which sets itself up once and then runs when it is told to.

Lines of JSON. In: {"rounds": 10, "run": 7}. Out: first {"ready": versions}, then {"seconds": ...} or {"error": ...}.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import inspect
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dialogue import Script

Run = Callable[[Script], str | Awaitable[str]]


def serve(run: Run, versions: tuple[str, ...]) -> None:
    """Answer until the input ends. What a framework prints goes to stderr, so that it cannot break the pipe.

    Args:
        run: plays one script from beginning to end and returns the answer; a function or a coroutine function.
        versions: packages whose versions are told.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    tell({"ready": {name: importlib.metadata.version(name) for name in versions}})
    if inspect.iscoroutinefunction(run):
        asyncio.run(_serve(run, tell))  # one loop and one task for all runs: making them, and their threads, is set-up
        return
    for line in sys.stdin:
        with _telling(tell):
            script = _script(line)
            began = time.perf_counter()
            answer = run(script)
            seconds = time.perf_counter() - began
            script.check(str(answer))
            tell({"seconds": seconds})


async def _serve(run: Callable[[Script], Awaitable[str]], tell: Callable[[dict[str, Any]], None]) -> None:
    for line in sys.stdin:  # blocks, which nothing else in this loop minds
        with _telling(tell):
            script = _script(line)
            began = time.perf_counter()
            answer = await run(script)
            seconds = time.perf_counter() - began
            script.check(answer)
            tell({"seconds": seconds})


def _script(line: str) -> Script:
    order = json.loads(line)
    gc.collect()
    return Script(order["rounds"], order["run"])


@contextmanager
def _telling(tell: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a framework may raise anything, and it goes into its row
        tell({"error": " ".join(f"{type(error).__name__}: {error}".split())[:300]})
