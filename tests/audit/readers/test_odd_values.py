"""A value of another kind than its key promises, or a number out of all bounds, costs its own record at most."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from trace_fixtures import WRITERS

from scrimp.audit.attribution import Attribution
from scrimp.audit.audit import open_book
from scrimp.audit.measure import measure
from scrimp.audit.part import Options, Part
from scrimp.audit.reading import read
from scrimp.core.errors import InputError

ODD = (None, True, 0, -1, 1e308, float("inf"), float("nan"), 10**400, "", "x", "9" * 30, "nan", "inf", "\ud800", [], {},
       [None], [1], [[]], {"a": 1}, {"type": 7}, -(10**30), 1.5, 1e20)  # fmt: skip
TRIALS = 60
DOCUMENTS = [name for name in WRITERS if name != "inspect_eval"]


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value holds others."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*place, key)
        yield from places(inner, (*place, key))


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    made = inner = copy.deepcopy(value)
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = new
    return made


def records(path: Path) -> list[Any]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_value_ends_the_reading_of_a_file(name: str, tmp_path: Path) -> None:
    format_, writer = WRITERS[name]
    whole, draws, path = records(writer(tmp_path)), random.Random(name), tmp_path / "odd.jsonl"
    known = [(at, place) for at, record in enumerate(whole) for place in places(record)]
    for _ in range(TRIALS):
        (at, place), new = draws.choice(known), draws.choice(ODD)
        made = [changed(one, place, new) if at == number else one for number, one in enumerate(whole)]
        path.write_text("".join(json.dumps(one) + "\n" for one in made), encoding="utf-8")
        part = Part(Attribution(open_book()))
        try:
            for trace in read(path, format_):
                part.add(measure(trace, open_book()), "openai:gpt-4o", simulate=True)
        except InputError:
            continue
        part.to_json(Options())


def test_a_span_of_another_form_leaves_the_others(tmp_path: Path) -> None:
    _, writer = WRITERS["otel"]
    whole = records(writer(tmp_path))[0]
    spans = whole["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans[1:1] = [None, 7, {"spanId": "x", "traceId": "y", "attributes": 9, "endTimeUnixNano": "inf"}]
    whole["resourceSpans"].append({"resource": -1, "scopeSpans": [[], {"spans": "none"}]})
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    assert [len(trace.steps) for trace in read(path)] == [len(trace.steps) for trace in read(writer(tmp_path))]
