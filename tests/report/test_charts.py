import re
import xml.etree.ElementTree as ET

import pytest

from scrimp.report import charts
from scrimp.report.data import read

SVG = re.compile(r'<text class="label" x="([\d.-]+)" y="([\d.-]+)">(.*?)</text>')


def label_boxes(svg):
    return [
        (float(x), float(y) - 12, float(x) + charts.text_width(text) * 0.95, float(y) + 3)
        for x, y, text in SVG.findall(svg)
    ]


@pytest.mark.parametrize("width", [720, 340])
@pytest.mark.parametrize("systems", [1, 2, 6, 30])
def test_labels_never_touch_each_other_and_stay_inside(sample, width, systems):
    names = {
        f"系统 {i}" if i % 2 else f"a rather long name {i}": (0.5 + 0.01 * i, 0.3 + 0.05 * i) for i in range(systems)
    }
    svg = charts.scatter(read(sample.document(names, n=40)), width)
    ET.fromstring(svg)
    boxes = label_boxes(svg)
    assert len(boxes) >= min(systems, 6)
    for i, a in enumerate(boxes):
        assert a[0] >= 0
        assert a[2] <= width
        for b in boxes[i + 1 :]:
            assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def test_scatter_shows_frontier_by_shape_and_says_it_in_words(document):
    report = read(document)
    svg = charts.scatter(report)
    on = sum(row.on_frontier for row in report.rows)
    assert svg.count('<circle class="on"') == on
    assert svg.count('<rect class="off"') == len(report.rows) - on
    assert 'class="frontier"' in svg
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert "baseline-2026-01" in root.find("desc").text


def test_scatter_without_any_known_cost_is_empty(document):
    changed = {
        **document,
        "systems": [{**s, "cost": {"amount": None, "state": "unknown"}} for s in document["systems"]],
    }
    assert charts.scatter(read(changed)) == ""
    assert charts.bars(read(document), "terms", "tokens") != ""


def test_scatter_survives_free_systems(sample):
    document = sample.document(n=12)
    for system in document["systems"]:
        system["cost"].update(amount="0", mean=0.0, interval=None)
    ET.fromstring(charts.scatter(read(document)))


@pytest.mark.parametrize("unit", ["tokens", "cost"])
@pytest.mark.parametrize("partition", ["components", "terms"])
def test_bars_are_as_long_as_their_parts(document, unit, partition):
    report = read(document)
    root = ET.fromstring(charts.bars(report, partition, unit, 400))
    longest = max(r.ledger.total.all_tokens if unit == "tokens" else r.ledger.total.cost.exact for r in report.rows)
    drawn = {}
    for rect in root.iter("rect"):
        if "class" in rect.attrib:
            drawn[rect.get("y")] = drawn.get(rect.get("y"), 0) + float(rect.get("width"))
    for row, length in zip(report.rows, drawn.values(), strict=True):
        total = row.ledger.total.all_tokens if unit == "tokens" else row.ledger.total.cost.exact
        assert length == pytest.approx(400 * float(total) / float(longest), abs=0.1)


@pytest.mark.parametrize(("low", "high", "log"), [(0.0, 0.0123, False), (0.0001, 3.0, True), (0.02, 0.5, True)])
def test_ticks_are_round_few_and_inside(low, high, log):
    axis = charts.Axis(low, high, 50, 350, log)
    ticks = axis.ticks(4)
    assert 1 <= len(ticks) <= 6
    assert all(49.9 <= axis.place(t) <= 350.1 for t in ticks)


def test_shorten_counts_chinese_as_two():
    assert charts.shorten("short", 22) == "short"
    assert charts.shorten("规划器规划器规划器", 9) == "规划器规…"
