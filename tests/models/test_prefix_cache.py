"""The cache that follows a run answers as the comparison of two requests does."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scrimp.core.messages import Image, Message, Request, ToolCall, ToolSpec, assistant, observation, system, user
from scrimp.models.cache_rules import CacheRules
from scrimp.models.prefix import compare, lay_out
from scrimp.models.prefix_cache import PrefixCache

AUTOMATIC = CacheRules("automatic", minimum=8, block=4)
MARKED = CacheRules("marked", minimum=8, block=1, look_back=6)
TOOLS = (ToolSpec("a", "first", {"type": "object"}), ToolSpec("b", "second", {"type": "object"}))

texts = st.sampled_from(["one two", "one two three four five six", "晴 天", "a" * 40, "", "ten eleven twelve"])
messages = st.one_of(
    st.builds(lambda text: user(text), texts),
    st.builds(lambda text: assistant(text), texts),
    st.builds(lambda text: assistant(text, [ToolCall("1", "a", {"x": text})]), texts),
    st.builds(lambda text: observation(ToolCall("1", "a", {}), text), texts),
    st.builds(lambda text: user(text, Image(width=64, height=64)), texts),
)
requests = st.builds(
    lambda opening, rest, tools: Request((*opening, *rest), tools),
    st.lists(st.builds(system, texts), max_size=1), st.lists(messages, min_size=1, max_size=7),
    st.sampled_from([(), TOOLS, TOOLS[:1]]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(requests, requests, st.sampled_from([AUTOMATIC, MARKED]))
def test_two_requests(first: Request, second: Request, rules: CacheRules) -> None:
    cache = PrefixCache(rules)
    assert cache.see(first, 0.0) == compare(None, first, rules)
    expected, found = compare(first, second, rules), cache.see(second, 1.0)
    within = 0 if rules.mode == "marked" else rules.block  # a piece's share of tokens is rounded once, not by pieces
    assert abs(found.tokens_cached - expected.tokens_cached) <= within
    assert found.tokens_cached + found.tokens_written + found.tokens_fresh == sum(
        piece.tokens for piece in lay_out(second, rules)
    )
    assert bool(found.broke_at) == bool(expected.broke_at)


@given(st.lists(messages, min_size=2, max_size=12))
def test_a_conversation_that_grows_is_served_from_its_last_request(said: list[Message]) -> None:
    cache = PrefixCache(CacheRules("automatic", minimum=1, block=1))
    before = 0
    for end in range(1, len(said) + 1):
        request = Request((system("You help. " * 10), *said[:end]))
        found = cache.see(request, float(end))
        assert found.tokens_cached == before
        assert found.broke_at == ""
        before = found.tokens_cached + found.tokens_fresh


def test_equal_messages_that_are_other_objects_are_the_same_prefix() -> None:
    cache = PrefixCache(CacheRules("automatic", minimum=1, block=1))
    one = cache.see(Request((system("long " * 50), user("a"))), 0.0)
    two = cache.see(Request((system("long " * 50), user("a"), assistant("b"), user("c"))), 1.0)
    assert two.tokens_cached == one.tokens_fresh


steps = st.lists(
    st.tuples(st.sampled_from(["more", "more", "more", "cut", "window", "copy", "other tools"]), messages), max_size=14
)


@settings(max_examples=200, deadline=None)
@given(steps, st.sampled_from([AUTOMATIC, MARKED, CacheRules("automatic", minimum=1, block=1)]))
def test_the_best_of_all_requests_serves_whatever_became_of_the_prompt(
    changes: list[tuple[str, Message]], rules: CacheRules
) -> None:
    """Each request is served as much as by the best of all before it, each taken alone."""
    cache, before, tools = PrefixCache(rules), list[Request](), TOOLS
    said: list[Message] = [system("You help. " * 5)]
    for change, message in changes:
        said = {
            "more": [*said, message], "cut": said[: 1 + len(said) // 2], "window": [*said[:1], *said[3:], message],
            "copy": [Message.from_json(old.to_json()) for old in said], "other tools": said,
        }[change]  # fmt: skip
        tools = tools[::-1] if change == "other tools" else tools
        request = Request(tuple(said), tools)
        alone = [0]
        for earlier in before:
            pair = PrefixCache(rules)
            pair.see(earlier, 0.0)
            alone.append(pair.see(request, 1.0).tokens_cached)
        assert cache.see(request, float(len(before))).tokens_cached == max(alone)
        before.append(request)


def test_a_request_that_goes_on_with_the_last_one_has_broken_nothing() -> None:
    """Not even where an older one, from which it departed, would serve as much of it."""
    cache = PrefixCache(CacheRules("automatic", minimum=1, block=64))
    head = [system("You help. " * 100)]
    said = [user(f"message {at} " * 10) for at in range(8)]
    for end in range(1, 7):
        cache.see(Request((*head, *said[:end])), float(end))
    hop = cache.see(Request((*head, *said[4:6])), 7.0)
    assert hop.broke_at == "messages[0].parts[0]"
    for end in (7, 8):
        found = cache.see(Request((*head, *said[4:end])), float(end + 1))
        assert (found.broke_at, found.why) == ("", "")
        assert found.tokens_cached > hop.tokens_cached


def test_a_long_run_costs_what_is_new_in_each_request() -> None:
    """Messages are looked at once each, however often they are sent."""
    looked: list[Message] = []

    class Counted:
        def message(self, message: Message) -> int:
            looked.append(message)
            return 50

        def tools(self, tools: object) -> int:
            return 100

    cache = PrefixCache(CacheRules("automatic"), sizes=Counted())
    said = [system("You help."), *(user(f"message {at}") for at in range(60))]
    for end in range(2, len(said) + 1):
        cache.see(Request(tuple(said[:end]), TOOLS), float(end))
    assert looked == said
    beside = PrefixCache(CacheRules("automatic"), sizes=Counted(), beside=cache)
    beside.see(Request(tuple(said), TOOLS), 0.0)
    assert looked == said


def test_counts_from_outside_are_taken() -> None:
    class Tens:
        def message(self, message: Message) -> int:
            return 10

        def tools(self, tools: object) -> int:
            return 100

    cache = PrefixCache(CacheRules("automatic", minimum=1, block=1), sizes=Tens())
    first = Request((system("x"), user("y")), TOOLS)
    assert cache.see(first, 0.0).tokens_fresh == 220
    assert cache.see(first.with_(messages=(*first.messages, assistant("z"), user("w"))), 1.0).tokens_cached == 220


def test_two_caches_beside_each_other_share_layouts_and_nothing_that_is_cached() -> None:
    rules = CacheRules("automatic", minimum=1, block=1)
    one = PrefixCache(rules)
    two = PrefixCache(rules, beside=one)
    first = Request((system("long " * 50), user("a")), TOOLS)
    served = [one.see(first, 0.0).tokens_cached, two.see(first, 0.0).tokens_cached]
    assert served == [0, 0]
    assert two.see(first, 1.0) == one.see(first, 1.0)
    assert two.see(first, 1.0).tokens_cached > 0


def test_hidden_tokens_stand_before_everything() -> None:
    """A record that leaves out a system prompt of 5,000 tokens: they are served whatever the rest begins with."""
    for rules in (CacheRules("automatic", minimum=1024, block=1), CacheRules("marked", minimum=1024, block=1)):
        cache = PrefixCache(rules)
        assert cache.see(Request((user("a"),)), 0.0, prompt_tokens=5_010, hidden=5_000).tokens_cached == 0
        served = cache.see(Request((user("b"),)), 1.0, prompt_tokens=5_010, hidden=5_000).tokens_cached
        assert 5_000 <= served < 5_010
        assert cache.see(Request((user("b"),)), 999.0, prompt_tokens=5_010, hidden=5_000).tokens_cached == 0
