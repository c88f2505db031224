import copy
import os
import re
from html.parser import HTMLParser

import pytest

from scrimp.core.errors import InputError
from scrimp.report.html import NAME, render, write

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{ 7*7 }}</style></svg>"""


class Tags(HTMLParser):
    """Collects tags and attributes, and checks that they close in order."""

    VOID = frozenset({"meta", "br", "path", "circle", "rect", "img", "link"})

    def __init__(self):
        super().__init__()
        self.seen, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def parse(page):
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags.seen


def test_page_is_whole_small_and_asks_for_nothing(document):
    page = render(document)
    seen = parse(page)
    assert len(page.encode()) < 300_000
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in seen}
    for _, attributes in seen:
        assert not {"src", "href", "xlink:href", "style"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert re.findall(r"url\(([^)]*)\)", page)
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert "http://" not in page
    assert "https://" not in page


def test_page_shows_what_was_measured(document):
    page = render(document).replace("&#39;", "'").replace("\u00a0", " ")
    for pair in document["pairs"]:
        assert pair["says"] in page
    for system in document["systems"]:
        assert system["name"] in page
        assert f"{100 * system['effectiveness']['mean']:.1f} %" in page
        assert f"{system['cost_of_pass']['never_solved']} never solved" in page
    assert document["command"] in page
    assert "reference:shipped list, 2026-01-15" in page
    assert "within 3.00 points" in page


def test_without_controls_nothing_is_more_efficient(sample):
    without, run = sample.document(n=900), sample.document(n=900, controls=True)
    assert "Controls not run" in render(without)
    assert "more efficient" not in render(without)
    assert "is more efficient than" in render(run)
    assert "ontrols not run" not in render(run)


def test_hostile_text_is_only_text(document):
    changed = copy.deepcopy(document)
    for key in ("experiment", "bench", "model", "prices", "controls", "command", "date"):
        changed[key] = HOSTILE
    changed["notes"], changed["forecast"], changed["seeds"] = [HOSTILE], {HOSTILE: HOSTILE}, [HOSTILE]
    changed["pairs"][0]["says"] = HOSTILE
    system = changed["systems"][0]
    system["name"], system["cost"]["currency"] = HOSTILE, HOSTILE
    system["effectiveness"].update(interval=None, reason=HOSTILE)
    system["cost_of_pass"].update(kind=HOSTILE, interval=None, reason=HOSTILE)
    system["ledger"]["components"][HOSTILE] = copy.deepcopy(system["ledger"]["components"]["team"])
    page = render(changed)
    assert {tag for tag, _ in parse(page)} <= {tag for tag, _ in parse(render(document))}
    assert "<script" not in page
    assert "<img" not in page
    assert "49" not in re.findall(r"<dd><bdi>(.*?)</bdi></dd>", page)[0]


def test_unknown_costs_are_not_drawn_as_zero(document):
    changed = copy.deepcopy(document)
    changed["systems"][2]["cost"] = {"amount": None, "currency": "USD", "state": "unknown", "known": "0"}
    changed["systems"][2]["ledger"]["total"]["cost"] = {
        "amount": None,
        "currency": "USD",
        "state": "unknown",
        "known": "0",
    }
    page = render(changed)
    assert "Not drawn, since cost or success is unknown: <bdi>rewoo</bdi>" in page
    assert "cost unknown" in page
    assert "Money per run" not in page
    assert "Tokens per run, by term" in page


def test_every_system_may_be_unpriced_and_a_single_one_is_enough(sample):
    document = sample.document({"only": (0.5, 1.0)}, n=3)
    assert "n too small" in render(document)
    document["systems"][0]["cost"] = {"amount": None, "state": "unknown"}
    page = render(document)
    assert "Cost against success" not in page
    assert "What may be said" not in page


def test_write_is_whole_or_not_at_all(document, tmp_path):
    path = write(document, tmp_path / "new" / "folder")
    assert path.name == NAME
    assert path.read_text(encoding="utf-8") == render(document)
    assert os.listdir(path.parent) == [NAME]
    before = path.read_bytes()
    with pytest.raises(InputError):
        write({"systems": []}, path.parent)
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="not a folder"):
        write(document, path)


def test_a_broken_surrogate_in_a_name_can_still_be_written(document, tmp_path):
    changed = copy.deepcopy(document)
    changed["systems"][0]["name"] = "bad \ud800 name"
    assert "bad   name" in write(changed, tmp_path).read_text(encoding="utf-8")
