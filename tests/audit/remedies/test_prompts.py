"""Remedies that shorten prompts: what they leave of a request, and what they cost themselves."""

from __future__ import annotations

import pytest
from billed import BOOK, BY_NAME, CLAUDE, cached, long_run, saved
from recorded import call, run, spec, trace, with_usage, words

from scrimp.audit.bill import Biller
from scrimp.audit.draft import draft
from scrimp.audit.measure import Run, measure
from scrimp.audit.remedies import rolling_summary
from scrimp.audit.remedies.table import REMEDIES
from scrimp.audit.remedy import ASK_AGAIN
from scrimp.core.messages import Image, user
from scrimp.core.usage import Usage

PICTURES = ("go", Image(width=1024, height=1024), ("a",), Image(width=1024, height=1024), ("b",))
LONG = words(300)
TRANSFORMS = [remedy for remedy in REMEDIES if remedy.settings().get("transform")]


def with_tools(called: str = "", count: int = 20) -> Run:
    """Twenty tools about this and that, and a question about the weather."""
    tools = (spec("get_weather", "The weather of a city"), *(spec(f"tool_{at}", words(20)) for at in range(count - 1)))
    turns: list[object] = ["weather in Oslo?", [call(called or "get_weather", "a")], {"a": "rain"}, ("rain",)]
    return run(*turns, tools=tools, gap=1.0, seconds=2.0)


@pytest.mark.parametrize("remedy", TRANSFORMS, ids=lambda remedy: remedy.name)
def test_a_prompt_with_nothing_in_it_stays(remedy) -> None:  # type: ignore[no-untyped-def]
    made = draft(run("hi", ("Hello.",)))
    assert remedy.apply(made) is made


@pytest.mark.parametrize(
    ("name", "turns", "fields"),
    [
        ("drop-images", PICTURES, {}),
        ("downscale-images", ("go", Image(width=1500, height=1500), ("a",), "x", ("b",)), {"model": CLAUDE}),
        ("top-k-tools", ("weather?", ("a",)), {"tools": [spec(f"get_{at}", "About " * 9) for at in range(20)]}),
        ("shorten-schemas", ("x", ("a",)), {"tools": [spec("get", "A very long description. " * 9)]}),
        ("offload-outputs", ("x", [call("cat", "a")], {"a": words(3000)}, ("y",)), {}),
        ("deduplicate-results", ("x", [call("cat", "a"), call("cat", "b")], {"a": LONG, "b": LONG}, ("y",)), {}),
    ],
)  # fmt: skip
def test_it_saves_where_it_applies(name: str, turns: tuple[object, ...], fields: dict[str, object]) -> None:
    found = run(*turns, **fields)
    assert BY_NAME[name].exactness == "behavioural"
    if name != "offload-outputs":  # one long result: asking again for a tenth of it costs more than the rest saves
        assert saved(found, name) > 0
    biller = Biller(found)
    after = biller.bill(BY_NAME[name].apply(draft(found)))
    assert sum(line.prompt for line in after.lines) < found.usage.prompt


def test_pictures_that_are_gone_are_not_counted() -> None:
    found = run(*PICTURES)
    biller = Biller(found)
    assert biller.bill(draft(found)).usage().images == 3
    assert biller.bill(BY_NAME["drop-images"].apply(draft(found))).usage().images == 2


def test_results_asked_for_again_cost_a_call_with_its_whole_prompt() -> None:
    """Fourteen results, of which nine are cleared in the end: 0.9 calls are made again."""
    found = long_run()
    made = BY_NAME["clear-tool-results"].apply(draft(found))
    [extra] = made.extra
    cleared = sum(old is not new for old, new in
                  zip(found.calls[-1].step.request.messages, made.asks[-1].request.messages, strict=True))  # fmt: skip
    assert cleared == 9
    changed = [made.prompt(ask) for ask in made.asks if ask.request is not found.calls[ask.step].step.request]
    assert extra.resent == round(0.9 * sum(changed) / len(changed))
    lost = extra.usage.input - extra.resent
    assert lost == pytest.approx(0.1 * 9 * 385, rel=0.1)
    assert extra.usage.output == round(0.9 * ASK_AGAIN)
    assert extra.longest == max(changed)
    assert made.extra_seconds > 0


def test_results_of_every_agent_are_counted() -> None:
    """The last call is not the one whose prompt was longest."""
    found = long_run()
    found.trace.steps.append(trace("another conversation", ("y",)).steps[0])
    found.trace.steps[-1].agent = "other"
    again = measure(found.trace, BOOK)
    one = BY_NAME["clear-tool-results"].apply(draft(long_run())).extra[0]
    two = BY_NAME["clear-tool-results"].apply(draft(again)).extra[0]
    assert two.usage == one.usage


def test_a_tool_that_was_called_but_not_offered_costs_one_more_call() -> None:
    fitting, missing = with_tools(), with_tools("tool_13")
    assert BY_NAME["top-k-tools"].apply(draft(fitting)).extra == []
    made = BY_NAME["top-k-tools"].apply(draft(missing))
    [extra] = made.extra
    assert extra.usage == Usage(input=made.prompt(made.asks[0]), output=ASK_AGAIN)
    # From then on it is offered, since it was called.
    assert "tool_13" in {tool.name for tool in made.asks[1].request.tools}
    assert saved(fitting, "top-k-tools") > saved(missing, "top-k-tools")


def test_runs_that_begin_in_their_own_way_find_nothing_that_others_left() -> None:
    recorded = with_tools().trace
    for step in recorded.steps:
        step.request = step.request.with_(messages=(user(words(3000)), *step.request.messages))
    found = measure(with_usage(recorded, Usage(1000, 3000, 0, 9), Usage(100, 4000, 0, 9)), BOOK)
    biller = Biller(found)
    assert biller.bill(draft(found)).lines[0].served == 3000
    assert biller.bill(BY_NAME["top-k-tools"].apply(draft(found))).lines[0].served == 0
    same_for_all = biller.bill(BY_NAME["shorten-schemas"].apply(draft(found))).lines[0]
    assert same_for_all.served == same_for_all.prompt * 3000 // 4000


def test_a_window_counts_the_cache_that_it_breaks() -> None:
    """Nothing cached: it saves. Everything cached at a tenth of the price: it costs."""
    assert saved(long_run(CLAUDE), "window") > 0
    assert saved(cached(long_run(CLAUDE)), "window") < 0


# -- rolling summary ---------------------------------------------------------------------------------


def test_each_summary_is_a_call_that_reads_the_turns_and_the_summary_before() -> None:
    found = long_run()
    made = BY_NAME["rolling-summary"].apply(draft(found))
    first, second = made.extra  # at eight and at twelve turns
    turns = [message for message in found.calls[-1].step.request.messages if message.role != "system"][1:]
    read = sum(found.sizes.message(message) for message in turns[:8])
    assert first.usage == Usage(input=read + rolling_summary.INSTRUCTIONS, output=rolling_summary.LENGTH)
    assert second.usage.input == pytest.approx(read + rolling_summary.INSTRUCTIONS + rolling_summary.LENGTH, abs=9)
    summary = made.asks[-1].request.messages[2]
    assert found.sizes.message(summary) == pytest.approx(rolling_summary.LENGTH, rel=0.1)
    assert len(made.asks[-1].request.messages) == 2 + 1 + 2 * (14 - 8)
    assert made.asks[-1].request.messages[2] is made.asks[-2].request.messages[2]  # so that a cache finds it
    assert made.extra_seconds > 0


def test_a_run_that_was_recorded_from_its_middle_is_summarised_from_its_beginning() -> None:
    recorded = long_run().trace
    recorded.steps = recorded.steps[-1:]
    found = measure(recorded, BOOK)
    [extra] = BY_NAME["rolling-summary"].apply(draft(found)).extra
    said = found.calls[-1].step.request.messages[2:]
    assert (
        extra.usage.input == sum(found.sizes.message(message) for message in said[:16]) + rolling_summary.INSTRUCTIONS
    )
