"""Plans as lines: pieces become lines, arguments are literals and never run."""

from __future__ import annotations

from typing import Any

import pytest

from scrimp.core.tool import Tool
from scrimp.tools.parts.dag import PlanError
from scrimp.tools.parts.dag_text import LONGEST, Lines, arguments

TWO = Tool("two", "", {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}})
ONE = Tool("one", "", {"type": "object", "properties": {"query": {"type": "string"}}})


def test_pieces_become_lines_as_soon_as_they_are_complete() -> None:
    lines = Lines()
    assert [lines.add(piece) for piece in ("1. a", "()\n2. b()\n3", ". c()")] == [[], ["1. a()", "2. b()"], []]
    assert lines.rest() == ["3. c()"]
    assert lines.rest() == []
    assert lines.text == "1. a()\n2. b()\n3. c()"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"a": "x, (y)", "b": 2}', {"a": "x, (y)", "b": 2}),
        ('{"a": $1, "b": ${12}}', {"a": "$1", "b": "${12}"}),
        ('a="x", b=2', {"a": "x", "b": 2}),
        ("'x', 2", {"a": "x", "b": 2}),
        ('"costs $3", b=$1', {"a": "costs $3", "b": "$1"}),
        ("#E1, b=#E12", {"a": "#E1", "b": "#E12"}),
        ('b=[1, "$2"]', {"b": [1, "$2"]}),
        ("", {}),
    ],
)
def test_arguments_are_objects_pairs_or_values(written: str, read: dict[str, Any]) -> None:
    assert arguments(written, TWO) == read


def test_a_tool_of_one_parameter_takes_plain_words() -> None:
    assert arguments("who wrote #E1, and when", ONE) == {"query": "who wrote #E1, and when"}


@pytest.mark.parametrize(
    "written",
    [
        "__import__('os').system('true')", "a=open('x')", "**{}", "1, 2, 3", "'x', a='y'", '{"a": ', "a=1)(b=2",
        "f'{1}'", "a=" + "(" * 900, "a=" + "-" * 5000 + "1", "a={1}", "a=b'x'", "a=" + "9" * LONGEST,
    ],
)  # fmt: skip
def test_what_is_no_literal_is_refused(written: str) -> None:
    with pytest.raises(PlanError, match="arguments of two"):
        arguments(written, TWO)


def test_deep_nesting_is_refused_not_fatal() -> None:
    with pytest.raises(PlanError):
        arguments('{"a": ' + "[" * 4000 + "]" * 4000 + "}", TWO)
