"""How much of a request a cache would have served, by each provider's rules."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.errors import InputError
from scrimp.core.messages import Image, Request, ToolCall, ToolSpec, assistant, observation, system, user
from scrimp.core.money import Rates
from scrimp.models.cache_rules import CacheRules, rules_for
from scrimp.models.prefix import CachedPrefix, compare, lay_out
from scrimp.models.prefix_cache import PrefixCache
from scrimp.models.providers import table

LONG = "All work and no play makes this a long prompt. " * 200
TOOLS = (ToolSpec("a", "first tool", {"type": "object"}), ToolSpec("b", "second tool", {"type": "object"}))
CALL = ToolCall("1", "a", {})
FIRST = Request((system(LONG), user("北京的天气怎么样？")), TOOLS)
SECOND = FIRST.with_(messages=(*FIRST.messages, assistant("", [CALL]), observation(CALL, "晴" * 50)))


def rules(model: str) -> CacheRules:
    found = rules_for(model)
    assert found is not None
    return found


OPENAI, CLAUDE = rules("openai:gpt-5"), rules("anthropic:claude-sonnet-4-5")


def size(request: Request, by: CacheRules = OPENAI) -> int:
    return sum(piece.tokens for piece in lay_out(request, by))


def test_rules_are_found_by_name_and_lifetime() -> None:
    assert (OPENAI.mode, OPENAI.minimum, OPENAI.block, OPENAI.write) == ("automatic", 1024, 128, 1)
    assert rules("openai:gpt-6-sol").write == Decimal("1.25")
    minimums = {"opus-5-5": 512, "opus-4-7": 2048, "haiku-4-5": 4096, "sonnet-4-6": 1024}
    assert {name: rules(f"anthropic:claude-{name}").minimum for name in minimums} == minimums
    hour = rules("anthropic:claude-opus-5?cache=1h")
    assert (hour.lifetime, hour.write, hour.mode) == (3600, 2, "marked")
    assert rules_for("anthropic:claude-opus-5?cache=off") is None
    assert rules_for("http://127.0.0.1/v1#mine") is None
    assert rules("https://api.deepseek.com#deepseek-chat").block == 64
    with pytest.raises(InputError, match="known: 5m, 1h"):
        rules_for("anthropic:claude-opus-5", "2h")


def test_every_rule_says_where_it_is_from() -> None:
    for entry in table("cache_rules"):
        assert entry["source"]
        assert entry["as_of"].startswith("2026-")
        assert entry["default"] in entry["lifetimes"]
        assert set(entry["write"]) == set(entry["lifetimes"])
        assert set(entry["order"]) == {"tools", "system", "messages"}


def test_the_first_request_is_fresh_and_written_where_writing_is_charged() -> None:
    assert compare(None, FIRST, OPENAI) == CachedPrefix(0, 0, size(FIRST), "", "nothing was cached yet")
    first = compare(None, FIRST, CLAUDE)
    assert (first.tokens_cached, first.tokens_written, first.tokens_fresh) == (0, size(FIRST), 0)


def test_an_appended_conversation_is_served_whole() -> None:
    automatic = compare(FIRST, SECOND, OPENAI)
    assert automatic.tokens_cached == size(FIRST) // 128 * 128
    assert (automatic.broke_at, automatic.tokens_written) == ("", 0)
    marked = compare(FIRST, SECOND, CLAUDE)
    assert (marked.tokens_cached, marked.tokens_fresh) == (size(FIRST), 0)
    assert marked.tokens_written == size(SECOND) - size(FIRST)
    assert marked.usage(9).prompt == size(SECOND)


def test_a_prompt_is_never_served_whole_where_its_last_token_is_computed() -> None:
    again = compare(FIRST, FIRST, CacheRules(minimum=1, block=1))
    assert again.tokens_cached == size(FIRST) - 1
    assert compare(FIRST, FIRST, CLAUDE).tokens_cached == size(FIRST)


def test_where_and_why_it_broke() -> None:
    fewer = compare(FIRST, SECOND.with_(tools=TOOLS[1:]), OPENAI)
    assert (fewer.tokens_cached, fewer.broke_at) == (0, "tools[0]")
    dated = FIRST.with_(messages=(system("Today is 3 May. " + LONG), FIRST.messages[1]))
    newer = FIRST.with_(messages=(system("Today is 4 May. " + LONG), FIRST.messages[1]))
    broken = compare(dated, newer, OPENAI)
    assert (broken.tokens_cached, broken.broke_at) == (0, "system[0].parts[0]")
    assert broken.why == "system[0].parts[0] differs from its character 17 on"  # behind `system:|`
    other = FIRST.with_(messages=(FIRST.messages[0], user("上海的天气怎么样？")))
    assert compare(FIRST, other, CLAUDE).broke_at == "messages[0].parts[0]"
    assert compare(FIRST, other, CLAUDE).tokens_cached > 1000  # up to the mark behind the system prompt
    short = Request((user("hi"),))
    assert "fewer than 1024" in compare(short, short, OPENAI).why


def test_a_beginning_inside_a_message_counts_only_where_caching_is_automatic() -> None:
    one = Request((user(LONG + "What is it about?"),))
    two = Request((user(LONG + "How long is it?"),))
    assert compare(one, two, OPENAI).tokens_cached > 0.9 * size(one)
    assert compare(one, two, CLAUDE).tokens_cached == 0


def test_marks_reach_far_back_only_where_the_call_before_ended() -> None:
    """Twenty-five results in one turn: the provider's own search of 20 blocks would miss what was written."""
    calls = [ToolCall(str(number), "a", {}) for number in range(25)]
    results = [observation(call, "x" * 40) for call in calls]
    wide = FIRST.with_(messages=(*FIRST.messages, assistant("", calls), *results))
    assert compare(FIRST, wide, CLAUDE).tokens_cached == size(FIRST)


def test_pictures_and_exact_counts() -> None:
    seen = Request((user(LONG, Image(data="QUJD", width=1024, height=1024)),))
    moved = Request((user(LONG, Image(data="REVG", width=1024, height=1024)),))
    assert compare(seen, moved, OPENAI).broke_at == "messages[0].parts[1]"
    pieces = lay_out(SECOND, OPENAI, prompt_tokens=10_000)
    assert sum(piece.tokens for piece in pieces) == 10_000
    exact = compare(FIRST, SECOND, OPENAI, prompt_tokens=10_000)
    assert exact.usage().prompt == 10_000


def test_a_cache_forgets_and_use_keeps_it() -> None:
    cache = PrefixCache(CLAUDE)
    assert cache.see(FIRST, 0.0).tokens_cached == 0
    assert cache.see(FIRST, 250.0).tokens_cached == size(FIRST)
    assert cache.see(FIRST, 500.0).tokens_cached == size(FIRST)  # its lifetime began anew at 250
    late = cache.see(SECOND, 900.0)
    assert late.tokens_cached == 0
    assert "more than 300 s ago" in late.why
    assert late.tokens_written == size(SECOND)


def test_the_best_of_several_earlier_requests_serves() -> None:
    cache = PrefixCache(OPENAI)
    cache.see(SECOND, 0.0)
    cache.see(Request((user("something else " * 2000),)), 1.0)
    assert cache.see(SECOND, 2.0).tokens_cached > 1000


texts = st.lists(st.text(max_size=400).map(lambda text: text * 20), min_size=1, max_size=5)


@given(texts, texts, st.sampled_from([OPENAI, CLAUDE, CacheRules(minimum=1, block=1), rules("openai:gpt-6-sol")]))
def test_every_token_is_counted_once_whatever_the_requests(one: list[str], other: list[str], by: CacheRules) -> None:
    before, after = (Request(tuple(user(text) for text in items)) for items in (one, other))
    found = compare(before, after, by)
    assert min(found.tokens_cached, found.tokens_written, found.tokens_fresh) >= 0
    assert found.tokens_cached + found.tokens_written + found.tokens_fresh == size(after, by)
    rates = Rates(Decimal(1), Decimal(0), by.read, by.write)
    assert rates.price(found.usage()) >= 0
    longer = Request((*before.messages, *after.messages))
    assert compare(before, longer, by).broke_at == ""
