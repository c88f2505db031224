import copy
import json
import os
import re
from html.parser import HTMLParser

import pytest

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError
from scrimp.evaluate.experiment import compare
from scrimp.report import chinese, drill
from scrimp.report.html import NAME, render, write

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{ 7*7 }}</style></svg>"""


class Tags(HTMLParser):
    """Collects tags and attributes, and checks that they close in order."""

    VOID = frozenset({"meta", "br", "path", "circle", "rect", "img", "link", "input"})

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
    assert "3.00 points, one-sided 95 %" in page


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


def both(document):
    """The English and the Chinese part of the page."""
    page = render(document)
    return page.split('<main class="zh"')[0], page.split('<main class="zh"')[1]


def test_every_word_of_the_page_is_there_in_both_languages(document):
    english, other = both(document)
    assert "What may be said" in english
    assert "可以下的结论" in other
    assert "What may be said" not in other
    assert "成本" in other


def test_why_there_is_no_interval_is_said_in_chinese_too(document):
    document["systems"][0]["cost_of_pass"] |= {"interval": None, "reason": "n too small"}
    english, other = both(document)
    assert "n too small" in english
    assert "n 太小" in other
    assert "n too small" not in other


def test_sentences_below_a_table_are_apart(document):
    text = re.sub(r"<[^>]+>", "", both(document)[0])
    assert not re.findall(r"[a-z)]\.[A-Z][a-z]+:", text)


def test_statements_in_chinese_say_the_same():
    pair = {
        "a": "基线", "b": "新", "n": 60, "n_needed": 220, "margin": 0.03, "non_inferior": "cannot tell",
        "verdict": "cheaper, success cannot tell", "p_adjusted": 0.4,
        "success_difference": {"mean": 0.0, "interval": [-0.046, 0.046]},
        "cost_ratio": {"mean": 0.64, "interval": [0.53, 0.78]}, "says": "",
    }  # fmt: skip
    said = chinese.of_pair(pair, controls_run=True)
    assert said == (
        "新 的成本比 基线 低 36 %（95 % 区间 22 至 47 %）；成功率无法判断：n=60，约需 690 个任务（界值 3 个百分点，"
        "差值 −4.6 至 +4.6 个百分点）。"
    )
    better = {**pair, "non_inferior": "yes", "verdict": "cheaper and non-inferior", "p_adjusted": 0.001}
    assert chinese.of_pair(better, controls_run=True).startswith("新 比 基线 更高效：")
    assert "更高效" not in chinese.of_pair(better, controls_run=False)
    assert "可能是偶然" in chinese.of_pair({**better, "p_adjusted": 0.2}, controls_run=True)


def test_from_a_system_to_a_task_to_a_step(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path / "home"))
    out = tmp_path / "out"
    found = compare(["baseline", "efficient"], "toolworld?tools=16", model="oracle?error=0.3", n=5, out=out,
                    levels=(Budget(usd="0.0004"),))  # fmt: skip
    page = write(found, out).read_text(encoding="utf-8")
    seen = parse(page)
    assert [attributes.get("class") for tag, attributes in seen if tag == "details"].count("system") == 2
    assert [attributes.get("class") for tag, attributes in seen if tag == "details"].count("trial") == 10
    task = json.loads((out / "trials.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert task["task"] in page
    assert "call_tool" not in page
    assert re.search(r"<b>model oracle", page)
    assert "Success at a budget" in page
    assert "At equal budgets" in page
    assert "http://" not in page


def test_steps_that_are_left_out_name_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(drill, "WITH_STEPS", 1)
    found = compare(["baseline"], "toolworld?tools=16", model="oracle?error=0.3", n=3, out=tmp_path / "out")
    page = write(found, tmp_path / "out").read_text(encoding="utf-8")
    assert page.count("scrimp runs show ") == 2


def test_texts_are_cut_and_secrets_struck_out():
    assert drill.cut("x" * 600) == "x" * 500 + "…"
    assert "hunter2hunter2" not in drill.cut("password=hunter2hunter2")
