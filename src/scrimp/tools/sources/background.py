"""An event loop in a thread of its own, for what must outlive the loop of one run: connections to servers of tools.

A run made with `Agent.run` has an event loop of its own; a server that is kept alive between runs cannot live there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The loop, started when it is first asked for; it ends with the process."""
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, name="scrimp-tool-servers", daemon=True).start()
    return made


async def there(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` on that loop; cancelling here cancels it there."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop()))


def there_now(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """Wait for `work` on that loop, from code that has no loop."""
    return asyncio.run_coroutine_threadsafe(work, loop()).result(seconds)
