"""Public test doubles, and one conformance suite per protocol (`scrimp.testing.conformance`).

Nothing here reaches a network or a real model. Names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scrimp.testing import conformance as conformance
    from scrimp.testing.clock import FakeClock as FakeClock
    from scrimp.testing.harness import Bench as Bench
    from scrimp.testing.harness import ReplayedModel as ReplayedModel
    from scrimp.testing.harness import ScriptedModel as ScriptedModel
    from scrimp.testing.harness import Witness as Witness
    from scrimp.testing.harness import WordEmbedder as WordEmbedder
    from scrimp.testing.harness import context as context
    from scrimp.testing.prices import PRICES as PRICES

_WHERE = {
    "Bench": "harness",
    "FakeClock": "clock",
    "PRICES": "prices",
    "ReplayedModel": "harness",
    "ScriptedModel": "harness",
    "Witness": "harness",
    "WordEmbedder": "harness",
    "context": "harness",
}

__all__ = ["PRICES", "Bench", "FakeClock", "ReplayedModel", "ScriptedModel", "Witness", "WordEmbedder", "conformance",
           "context"]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "conformance":
        return importlib.import_module("scrimp.testing.conformance")
    if name not in _WHERE:
        raise AttributeError(f"module 'scrimp.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"scrimp.testing.{_WHERE[name]}"), name)
