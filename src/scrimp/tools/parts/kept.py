"""Tool lists that were rewritten, each once: the requests of a run share one list, and so they share what it became."""

from __future__ import annotations

from collections.abc import Callable

from scrimp.core.messages import ToolSpec

Tools = tuple[ToolSpec, ...]
MOST = 256
"""Lists that are remembered; after that all are made anew."""


class Kept:
    """Tool lists by the ones they were made of."""

    def __init__(self, make: Callable[[Tools], Tools]) -> None:
        self._make = make
        self._made: dict[int, tuple[Tools, Tools]] = {}

    def of(self, tools: Tools) -> Tools:
        """What the list became; the same object for the same list, and the list itself where nothing changed."""
        found = self._made.get(id(tools))
        if found is not None and found[0] is tools:
            return found[1]
        if len(self._made) >= MOST:
            self._made.clear()
        made = self._make(tools)
        self._made[id(tools)] = (tools, made)
        return made
