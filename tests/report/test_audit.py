"""The page of an audit: whole, escaped, and without a network."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from trace_fixtures import WRITERS

from scrimp.audit.audit import Options, audit_paths
from scrimp.core.errors import InputError
from scrimp.report.audit import render, write
from scrimp.report.audit_charts import Bar, bars, curve

VOID = {"meta", "br", "path", "rect", "circle", "img"}


class Balanced(HTMLParser):
    """Fails where tags are not closed in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("id"):
            assert named["id"] not in self.ids
            self.ids.add(named["id"] or "")
        if tag == "a":
            self.links.add((named["href"] or "").removeprefix("#"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("traces")
    for _, writer in WRITERS.values():
        writer(folder)
    return audit_paths([folder], Options(workers=1, runs_per_month=500)).to_json()


def test_the_page_is_whole_and_its_links_lead_somewhere(document: dict[str, object]) -> None:
    page = render(document)
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert parser.links <= parser.ids
    assert not re.search(r"(src|href)=.(https?:)?//", page)
    assert "default-src 'none'" in page


def test_texts_of_traces_are_escaped(document: dict[str, object]) -> None:
    wicked = '"><script>alert(1)</script>'
    changed = {**document, "skipped": [{"path": wicked, "why": wicked}], "assumes": [wicked], "command": wicked}
    page = render(changed)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_every_finding_leads_to_its_text(document: dict[str, object]) -> None:
    page = render(document)
    for row in document["waste"]:  # type: ignore[attr-defined]
        for one in row["evidence"]:
            assert one["where"] in page


def test_it_is_written_whole_or_not_at_all(document: dict[str, object], tmp_path: Path) -> None:
    assert write(document, tmp_path / "a.html").read_text(encoding="utf-8").endswith("</html>")
    with pytest.raises(InputError, match="no folder"):
        write(document, tmp_path / "gone" / "a.html")
    assert [item.name for item in tmp_path.iterdir()] == ["a.html"]


def test_bars_of_a_waterfall_begin_where_the_one_before_ended() -> None:
    drawn = bars([Bar("a", 1.0, "$1"), Bar("b", 3.0, "$3")], 720, "t", waterfall=True)
    (first, second) = re.findall(r'<rect class="s1" x="([\d.]+)" y="\d+" width="([\d.]+)"', drawn)
    assert float(second[0]) == pytest.approx(float(first[0]) + float(first[1]), abs=0.2)
    assert float(second[1]) == pytest.approx(3 * float(first[1]), abs=0.5)
    assert "s2" in bars([Bar("a", 2.0, "$2"), Bar("b", -1.0, "-$1")], 720, "t")


def test_a_curve_needs_two_steps() -> None:
    assert curve([(1, 10.0, 5)], 720) == ""
    assert "step 2: 20 tokens over 4 runs" in curve([(1, 10.0, 5), (2, 20.0, 4)], 720)


def test_what_has_no_price_is_drawn_in_tokens(tmp_path: Path) -> None:
    said = [{"role": role, "content": f"{at} {'word ' * 300}"} for at in range(9) for role in ("user", "assistant")]
    path = tmp_path / "unpriced.jsonl"
    path.write_text(json.dumps({"model": "acme-9", "messages": said}) + "\n", encoding="utf-8")
    found = audit_paths([path], Options(workers=1)).to_json()
    assert found["remedies"]
    page = render(found)
    assert "Net tokens over 1 run," in page
    assert not any("$" in chart for chart in re.findall("<svg.*?</svg>", page, re.DOTALL))
