"""Every rule finds its waste with the right place and price, and lets alone what only looks like it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from recorded import call, run, spec, trace, with_usage, words

from scrimp.audit.findings import Waste, find
from scrimp.audit.index import Finding, Index
from scrimp.audit.measure import Book, Run, measure
from scrimp.core.messages import Image
from scrimp.core.usage import Usage
from scrimp.models.prices import load

BOOK = Book(load())
LONG = "Flight HAT042 from Bergen leaves at 07:45 and costs 1,203 kroner. "


def found(run: Run, rule: str) -> list[Finding]:
    return [finding for finding in find(run) if finding.rule == rule]


def again(*between: Any) -> Run:
    return run(
        "hi", [call("get_user", "a", id=1)], {"a": words(200)}, *between, [call("get_user", "z", id=1)],
        {"z": words(200)}, ("Done.",),
    )  # fmt: skip


def test_the_same_call_with_the_same_result() -> None:
    (finding,) = found(again(), "repeated-calls")
    assert finding.step == 1
    tokens = again().sizes.message(again().calls[-1].step.request.messages[-1])
    assert finding.tokens == pytest.approx(tokens + again().calls[1].usage.total, abs=2)
    assert finding.cost == pytest.approx(Decimal("2.5e-6") * tokens + (again().calls[1].money.amount or 0))


def test_what_a_record_leaves_out_of_prompts_is_no_part_of_a_result() -> None:
    shown = run(*(item for at in range(6) for item in ([call("read", f"c{at}", at=at)], {f"c{at}": words(300)})))
    usages = [Usage(input=30_000 + one.prompt, output=one.usage.output) for one in shown.calls]
    hidden = measure(with_usage(shown.trace, *usages), BOOK)
    assert hidden.scale > 5  # of whole prompts
    assert Index(hidden).kept(1000, [0])[0] == pytest.approx(1000, rel=0.02)


def test_a_call_that_may_have_changed_something_in_between_excuses_it() -> None:
    changed = again([call("update_user", "b", id=1)], {"b": "ok"})
    assert found(changed, "repeated-calls") == []
    assert len(found(again([call("list_users", "b")], {"b": "1, 2"}), "repeated-calls")) == 1


def test_polling_is_no_repetition() -> None:
    polled = run(
        "hi", [call("get_status", "a")], {"a": "running"}, [call("get_status", "b")], {"b": "done"}, ("Done.",)
    )
    assert found(polled, "repeated-calls") == []


def failing(*errors: str) -> Run:
    recorded = trace(
        "hi", *(item for at, error in enumerate(errors)
                for item in ([call("book", f"c{at}", seat=at)], {f"c{at}": f"Error: {error}"})), ("Sorry.",)
    )  # fmt: skip
    for use, error in zip(recorded.tools, errors, strict=True):
        use.failed, use.error = True, f"Error: {error}"
    return measure(recorded, BOOK)


def test_the_same_failure_again_is_told_by_its_kind() -> None:
    same = failing("seat 12 is taken", "seat 13 is taken", "no such flight", "seat 14 is taken")
    assert [finding.step for finding in found(same, "repeated-failures")] == [1, 3]


def test_results_that_nothing_refers_to() -> None:
    ignored = run("hi", [call("search", "a", q="x")], {"a": LONG * 20}, ("Hello.",), "more", ("Again hello.",))
    (finding,) = found(ignored, "unused-results")
    assert finding.span == (0, len(LONG * 20))
    size = ignored.sizes.message(ignored.trace.tools[0].message)  # type: ignore[arg-type]
    assert finding.tokens == size  # the first prompt is how the agent saw it; one more held it
    used = run("hi", [call("search", "a", q="x")], {"a": LONG * 20}, ("It is HAT042.",), "more", ("At 07:45.",))
    assert found(used, "unused-results") == []


def test_chinese_results_are_referred_to_by_pairs_of_characters() -> None:
    text = "航班从卑尔根起飞，票价一千二百克朗。" * 30
    used = run("你好", [call("search", "a", q="x")], {"a": text}, ("票价是一千二百克朗。",), "谢谢", ("不客气。",))
    assert found(used, "unused-results") == []
    ignored = run("你好", [call("search", "a", q="x")], {"a": text}, ("我不知道。",), "谢谢", ("再见。",))
    assert len(found(ignored, "unused-results")) == 1


def test_oversized_results() -> None:
    (finding,) = found(
        run("hi", [call("cat", "a")], {"a": words(5000)}, ("quick",), "more", ("brown",)), "oversized-results"
    )
    assert "was sent 2 times" in finding.detail
    assert found(run("hi", [call("cat", "a")], {"a": words(500)}, ("quick",)), "oversized-results") == []


def test_old_pictures() -> None:
    picture = Image(width=1024, height=1024)
    browsed = run("go", picture, ("a",), picture, ("b",), picture, ("c",))
    (first, second) = found(browsed, "stale-images")
    per_picture = browsed.sizes.images(browsed.calls[0].step.request.messages[2])
    assert (first.tokens, second.tokens) == (2 * per_picture, per_picture)


def test_tools_that_were_never_used() -> None:
    tools = [spec("get_a", "First."), spec("get_b", "Second " * 30), spec("get_c", "Third " * 30)]
    offered = run("hi", [call("get_a", "a")], {"a": "1"}, ("Done.",), tools=tools)
    (finding,) = found(offered, "unused-tools")
    assert "2 tools" in finding.detail
    assert finding.tokens == 2 * offered.sizes.tools(tools[1:])
    guessed = measure(replace(offered.trace, tools_told=False), BOOK)
    assert found(guessed, "unused-tools") == []


def test_calls_that_could_have_been_asked_for_together() -> None:
    asked = "What do Oslo and Bergen have?"
    sequential = run(
        asked, [call("get_city", "a", city="Oslo")], {"a": "700,000"}, [call("get_city", "b", city="Bergen")],
        {"b": "290,000"}, ("Both.",),
    )  # fmt: skip
    (finding,) = found(sequential, "sequential-calls")
    assert finding.tokens == sequential.calls[1].usage.total
    dependent = run(
        "Who lives with Mia?", [call("get_user", "a", name="Mia")], {"a": "house 77"},
        [call("get_house", "b", id="77")], {"b": "Ann"}, ("Ann.",),
    )  # fmt: skip
    assert found(dependent, "sequential-calls") == []
    turns = ([call("book", "a", city="Oslo")], {"a": "ok"}, [call("book", "b", city="Bergen")], {"b": "ok"}, ("Both.",))
    changing = run(asked, *turns)
    assert found(changing, "sequential-calls") == []


def test_steps_after_the_goal() -> None:
    turns = ("hi", ("The answer is 42.",), "sure?", ("Let me see.",), "well?", ("The answer is 42.",))
    assert [finding.step for finding in found(run(*turns, reward=1.0), "after-the-goal")] == [1, 2]
    assert found(run(*turns, reward=0.0), "after-the-goal") == []
    assert found(run(*turns), "after-the-goal") == []


def test_answers_that_were_cut() -> None:
    recorded = trace("hi", ("One two th",), ("One two three.",))
    recorded.steps[0].finish = "length"
    recorded.steps[1].request = recorded.steps[0].request
    (finding,) = found(measure(recorded, BOOK), "cut-outputs")
    assert "the same request was sent again" in finding.detail


def test_what_another_agent_had_read() -> None:
    recorded = trace("hi", [call("read_file", "a", path="x")], {"a": words(100)}, [call("read_file", "b", path="x")],
                     {"b": words(100)}, ("Done.",))  # fmt: skip
    recorded.steps[1].agent = "helper"
    (finding,) = found(measure(recorded, BOOK), "reread-by-agents")
    assert "helper read with read_file what the main agent had read" in finding.detail


def test_nothing_costs_more_than_the_run() -> None:
    for case in (
        again(),
        failing("a", "a", "a"),
        run("hi", [call("cat", "a")], {"a": words(5000)}, ("x",), "y", ("z",)),
    ):
        for rule in {finding.rule for finding in find(case)}:
            assert sum(finding.cost or 0 for finding in found(case, rule)) <= (case.money.amount or 0)


def test_sums_keep_the_dearest_and_add_up() -> None:
    runs = [again(), *(failing("a", "a") for _ in range(12))]
    whole, left, right = Waste(), Waste(), Waste()
    for at, item in enumerate(runs):
        item.trace.id = f"run-{at}"
        whole.add(item, find(item))
        (left if at < 6 else right).add(item, find(item))
    document = whole.to_json(Decimal(2))
    merged = (left + right).to_json(Decimal(2))
    failures = next(row for row in document if row["rule"] == "repeated-failures")
    assert (failures["count"], failures["runs"], len(failures["evidence"])) == (12, 12, 10)
    assert [(row["rule"], row["count"], row["tokens"], row["cost"]) for row in merged] == [
        (row["rule"], row["count"], row["tokens"], row["cost"]) for row in document
    ]
    assert failures["per_month"] == pytest.approx(2 * float(failures["cost"]["amount"]))


def test_evidence_holds_no_secret_unless_asked_for() -> None:
    secret = "sk-" + "proj-" + "Zx8Qp0LmN4vR7sT2yB6wD1hJ9"
    leaked = run("hi", [call("get_key", "a")], {"a": f"key {secret} " + words(90)}, [call("get_key", "b")],
                 {"b": f"key {secret} " + words(90)}, ("Done.",))  # fmt: skip
    waste = Waste()
    waste.add(leaked, find(leaked))
    assert secret not in str(waste.to_json(None))
    assert secret in str(waste.to_json(None, show_secrets=True))
