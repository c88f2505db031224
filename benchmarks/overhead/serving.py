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
from collections.abc import Awaitable, Callable
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
    with asyncio.Runner() as runner:  # one event loop for all runs: making it is set-up
        for line in sys.stdin:
            order = json.loads(line)
            script = Script(order["rounds"], order["run"])
            gc.collect()
            try:
                seconds = runner.run(_timed(run, script)) if inspect.iscoroutinefunction(run) else _clocked(run, script)
                tell({"seconds": seconds})
            except Exception as error:  # noqa: BLE001 - a framework may raise anything, and it goes into its row
                tell({"error": " ".join(f"{type(error).__name__}: {error}".split())[:300]})


async def _timed(run: Run, script: Script) -> float:
    began = time.perf_counter()
    answer = await run(script)  # type: ignore[misc]
    seconds = time.perf_counter() - began
    script.check(answer)
    return seconds


def _clocked(run: Run, script: Script) -> float:
    began = time.perf_counter()
    answer = run(script)
    seconds = time.perf_counter() - began
    script.check(answer)  # type: ignore[arg-type]
    return seconds
