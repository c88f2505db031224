from __future__ import annotations

import io
import json
import sys

import pytest

from scrimp.cli import values
from scrimp.cli.output import emit, one_line, safe, short, write
from scrimp.cli.progress import Progress, clock, megabytes
from scrimp.cli.tables import bar, facts, show, table


def test_a_document_is_valid_json(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": float("nan"), "b": [float("inf"), 1.5], "c": "带伞", "d": ("x",), 1: None})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": None, "b": [None, 1.5], "c": "带伞", "d": ["x"], "1": None}
    assert "带伞" in out


def test_a_stream_without_the_letters_gets_what_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    page = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", page)
    emit({"c": "带"})
    write("带 a\n")
    grid = table("name", "n", right=("n",))
    grid.add("带", "1")
    show(grid)
    assert bar(0.5) == "######"
    page.flush()
    text = page.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert text.startswith('{\n  "c": "\\u5e26"\n}\n? a\n')


def test_text_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert safe("a\x1b[31mb\x07\r\nc\td\u202e\u3000带") == "a[31mb\nc\td\u3000带"
    assert one_line(" a\r\n b\t\x00c ") == "a b c"
    assert short("x" * 20, 10) == "xxxxxxx..."
    grid = table("[red]x[/red]")
    grid.add("[bold]y[/bold] :smile: \x1b[2J")
    show(grid, facts([("a", "\x1b[2Jb"), ("left out", "")]))
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert "[bold]y[/bold] :smile: [2J" in out
    assert "\x1b" not in out
    assert "left out" not in out


def grid():
    made = table("name", "what it is", "cost", right=("cost",), fixed=("name",))
    made.add("first", "a long description of the first thing", "$0.001")
    made.add("总计", "everything", "$12", bold=True)
    return made


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show(grid())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "what", "it", "is", "cost"]
    assert lines[2] == "first   a long description of the first thing   $0.001"
    assert lines[3].startswith("总计    everything")
    assert lines[3].endswith("   $12")


@pytest.mark.parametrize("columns", ["24", "30", "40"])
def test_a_narrow_terminal_gets_blocks_or_broken_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show(grid())
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= int(columns)
    assert "$0.001" in out
    if columns == "24":
        assert out.startswith("first\n  what it is: a long\n")


def test_figures() -> None:
    assert values.significant(1234.5) == "1,234"
    assert values.significant(0.000012345) == "0.0000123"
    assert values.money({"amount": "0.0123456", "state": "priced"}) == "$0.0123"
    assert values.money({"amount": None, "state": "unknown", "known": "0.5"}) == "unknown, at least $0.500"
    assert values.money({"amount": None, "state": "unknown", "known": "0"}) == "unknown"
    assert values.money(None) == "-"
    assert [values.seconds(one) for one in (None, "0.0001", 0, 0.0234, "61.25")] == [
        "-",
        "< 1 ms",
        "0 ms",
        "23 ms",
        "61.2 s",
    ]
    assert [values.share(one) for one in (0, 0.001, 0.5, 1)] == ["0 %", "< 1 %", "50 %", "100 %"]
    assert values.size(98_362_432) == "98 MB"
    assert values.size(1_117_320_768) == "1.12 GB"
    assert values.size(0) == "-"
    assert values.plain("0.000054600") == "0.0000546"
    assert values.interval({"mean": 0.615, "interval": [0.48, 0.732]}) == "61.5 % [48.0, 73.2]"
    assert values.interval({"mean": 0.5, "interval": None}, of="dollars") == "$0.500"
    assert values.source({"state": "priced", "prices": "reference:x"}) == "priced at the reference list x"
    assert values.source({"state": "priced", "prices": "mine 2026; reference:x"}).endswith(
        "mine 2026 and the reference list x"
    )
    assert values.price_lists("declared; reference:x; x") == "priced at declared prices and the reference list x"
    assert values.source({"state": "metered"}) == "as metered"
    assert values.source({"state": "unknown", "prices": "x"}) == "a price is unknown"
    tokens = {"input": 10, "cached_input": 1000, "cache_write": 0, "output": 5, "reasoning": 3, "images": 2}
    assert values.tokens(tokens) == "1,015 (1,000 cached)"


# -- progress ----------------------------------------------------------------------------------------


def test_the_line_of_a_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("scrimp.cli.progress.time.monotonic", lambda: now)
    progress = Progress("comparing")
    assert progress.line(80) == "comparing, 0 s"
    progress.update(0, 40)
    now = 110.0
    progress.update(10, 40, "$0.012 spent", elapsed=10.0)
    assert progress.line(200, bar=False) == "comparing, 10/40, $0.012 spent, 10 s, about 30 s left"
    line = progress.line(90)
    assert line.startswith("[======                  ] comparing, 10/40")
    assert len(progress.line(30)) == 30
    assert Progress("x", megabytes).amount(1_000_000, 98_362_432) == "1/98 MB"
    assert [clock(one) for one in (3, 125, 7300)] == ["3 s", "2 min 05 s", "2 h 01 min"]


def test_a_short_work_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("working") as shown:
        shown.update(1, 2)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_a_long_work_shows_its_line(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    import time

    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("scrimp.cli.progress.QUIET_SECONDS", 0.01)
    monkeypatch.setenv("COLUMNS", "60")
    with Progress("working") as shown:
        shown.update(1, 2)
        deadline = time.monotonic() + 5
        while not stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    text = stream.getvalue()
    assert "working, 1/2" in text
    if terminal:
        assert text.endswith("\r")  # the line is wiped
    else:
        assert "\r" not in text
        assert text.endswith("\n")
