"""Gives an oracle's memory the gold turns of a benchmark. The gold itself stays here, in no attribute of the memory."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast
from weakref import WeakKeyDictionary

from scrimp.core.errors import InputError
from scrimp.core.protocols import Benchmark
from scrimp.core.registry import create
from scrimp.evaluate.oracle_evidence import Golden
from scrimp.memory.methods.oracle_retriever import OracleRetriever

_GOLD: WeakKeyDictionary[Any, dict[tuple[str, str], tuple[str, ...]]] = WeakKeyDictionary()


def oracle_memory(benchmark: Benchmark) -> OracleRetriever:
    """An oracle's memory for the questions of a benchmark.

    Raises:
        InputError: its gold names no turns.
    """
    memory = cast(OracleRetriever, create("memory", "oracle-retriever"))
    golden, found = cast("Golden", benchmark), {}
    for split in golden.splits:
        for task in golden.tasks(split):
            turns = golden.gold(task.id).labels.get("turns")
            if turns is not None:
                found[task.owner, task.query or task.text] = tuple(turns.split())
    if not found:
        raise InputError(f"{benchmark.name} does not name the turns that answers rest on",
                         remedy="dialogues or locomo, or another memory")  # fmt: skip
    key = _Key()
    _GOLD[key] = found
    memory.evidence = key.evidence
    return memory


class _Key:
    """What opens the gold of one memory; it holds none."""

    def evidence(self, owner: str, question: str) -> Collection[str]:
        """Sources of the gold turns of a question; none where it has none."""
        return _GOLD[self].get((owner, question), ())
