"""A run as JSON lines: the first says what ran, the rest what happened, texts included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from scrimp.core.messages import canonical
from scrimp.journal.journal import Journal

FORMAT = "scrimp-run/1"


def jsonl(journal: Journal, run: str) -> Iterator[str]:
    """Lines without their line ends. The first has `"format": "scrimp-run/1"`; each other is an event."""
    record = journal.run(run)
    head = {"format": FORMAT, **asdict(record), "ledger": journal.ledger(record.id).to_json()}
    yield canonical(head)
    for step in journal.steps(record.id):
        yield canonical(step)
