"""scrimp: agents that get the job done for less, and the proof.

The face: these names and nothing else. Each is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from scrimp.core.version import VERSION

if TYPE_CHECKING:
    from scrimp.agent import Agent as Agent
    from scrimp.core.budget import Budget as Budget
    from scrimp.core.system import System as System
    from scrimp.evaluate.experiment import compare as compare
    from scrimp.tools.sources.python import tool as tool

__version__ = VERSION

_WHERE = {
    "Agent": "scrimp.agent",
    "Budget": "scrimp.core.budget",
    "System": "scrimp.core.system",
    "compare": "scrimp.evaluate.experiment",
    "tool": "scrimp.tools.sources.python",
}

__all__ = ["Agent", "Budget", "System", "compare", "tool"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'scrimp' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
