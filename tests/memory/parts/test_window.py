from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.messages import Message, Request, ToolCall, assistant, observation, system, user
from scrimp.core.transform import Transform, apply_all
from scrimp.core.usage import NO_USAGE
from scrimp.memory.parts.window import Window, split

CALL = ToolCall("c", "f", {})
roles = st.sampled_from([system("s"), user("u"), assistant("a"), assistant("b", [CALL]), observation(CALL, "o")])
conversations = st.lists(roles, max_size=30)
windows = st.builds(Window, st.integers(1, 8), st.integers(1, 5))


@given(conversations)
def test_a_conversation_is_its_opening_and_its_turns(messages: list[Message]) -> None:
    opening, turns = split(messages)
    assert [*opening, *(message for turn in turns for message in turn)] == messages
    assert all(message.role != "assistant" for message in opening)
    assert all([message.role for message in turn].count("assistant") == 1 == (turn[0].role == "assistant")
               for turn in turns)  # fmt: skip


@given(windows, conversations)
def test_what_the_window_leaves(window: Window, messages: list[Message]) -> None:
    request = Request(tuple(messages))
    opening, turns = split(messages)
    result = window.apply(request)
    kept_opening, kept = split(result.messages)
    assert kept_opening == opening
    assert len(kept) <= window.turns
    assert kept == turns[len(turns) - len(kept) :]
    assert len(kept) >= min(len(turns), 1)
    assert (result is request) == (len(turns) <= window.turns)
    assert window.apply(result).messages == result.messages
    assert isinstance(window, Transform)
    assert apply_all([window, window], request) == (result, NO_USAGE)
