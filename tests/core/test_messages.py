import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.messages import (
    Audio,
    Delta,
    Fold,
    Image,
    Message,
    Request,
    Response,
    Text,
    TokenLogprob,
    ToolCall,
    ToolSpec,
    assistant,
    canonical,
    digest,
    fold,
    observation,
    system,
    user,
)
from scrimp.core.prompt import Prompt
from scrimp.core.usage import Usage

texts = st.text(max_size=30)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | texts
arguments = st.dictionaries(st.text(min_size=1, max_size=8), scalars | st.lists(scalars, max_size=3), max_size=3)
calls = st.builds(ToolCall, texts, texts, st.none() | arguments, texts)
parts = st.builds(Text, texts) | st.builds(Image, texts, texts) | st.builds(Audio, texts)
messages = st.builds(
    Message, st.sampled_from(["system", "user", "assistant", "tool"]), st.lists(parts, max_size=3).map(tuple),
    st.lists(calls, max_size=2).map(tuple), texts,
)  # fmt: skip


@given(messages)
def test_a_message_survives_json(message: Message) -> None:
    again = Message.from_json(json.loads(json.dumps(message.to_json())))
    assert again == message
    assert again.hash == message.hash


def test_hashes_are_stable_between_versions() -> None:
    """Journals and caches of today must be readable tomorrow: these figures never change."""
    assert canonical({"b": 1, "a": "雨"}) == '{"a":"雨","b":1}'
    assert digest({"b": 1, "a": "雨"}) == digest({"a": "雨", "b": 1})
    assert user("今天会下雨吗？").hash == "880264c7a0b41bc9f14b4c4de0d4175f7e27f363d5025b398fa8eac4a8e372b8"
    request = Request((user("q"),), (ToolSpec("t", "d", {"type": "object"}),))
    assert request.hash == "73263c71fd566a6d58ebb387518351046031c0d0505b9d19669d6a21d9069602"


@given(messages, messages)
def test_different_messages_have_different_hashes(one: Message, other: Message) -> None:
    assert (one.hash == other.hash) == (one == other)


def test_a_lone_surrogate_can_be_hashed() -> None:
    assert user("\ud800").hash != user("\udc00").hash


def test_text_joins_the_words_and_leaves_out_the_rest() -> None:
    assert user("a", Image(url="x"), "乙").text == "a\n乙"
    assert assistant().text == ""
    assert assistant().parts == ()
    call = ToolCall("7", "f", {})
    assert observation(call, "r") == Message("tool", (Text("r"),), tool_call_id="7")
    assert system("s").role == "system"


BASE = Request((user("q"),), (ToolSpec("t", "d", {"type": "object"}),), max_output=10)


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": (user("r"),)}, {"tools": ()}, {"schema": {"type": "string"}}, {"temperature": 0.5}, {"seed": 1},
        {"stop": ("x",)}, {"logprobs": 1}, {"effort": "low"}, {"prompt": "p@1"}, {"parallel_calls": False},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_whatever_shapes_the_answer_is_in_the_hash_of_a_request(changes: dict[str, object]) -> None:
    assert BASE.with_(**changes).hash != BASE.hash
    assert set(BASE.to_json()) >= set(changes)


def test_the_cap_is_not_in_the_hash() -> None:
    assert BASE.with_(max_output=3, min_output=1).hash == BASE.hash


responses = st.builds(
    Response, messages.map(lambda message: assistant(message.text, message.tool_calls)),
    st.sampled_from(["stop", "length", "tool_calls", "cut"]), st.none() | st.builds(Usage, st.integers(0, 9)),
    st.lists(st.builds(TokenLogprob, texts, st.floats(-9, 0), st.just((("a", -1.0),))), max_size=2).map(tuple),
    st.sampled_from(["", "0.001"]),
)  # fmt: skip


@given(responses)
def test_a_response_survives_json(response: Response) -> None:
    assert Response.from_json(json.loads(json.dumps(response.to_json()))) == response


def test_fold_puts_a_stream_together() -> None:
    call = ToolCall("1", "f", {"x": 1})
    deltas = [Delta("今天"), Delta("下雨", logprobs=(TokenLogprob("雨", -0.1),)), Delta(tool_calls=(call,)),
              Delta(finish="tool_calls", usage=Usage(3, output=2), reported_cost="0.1")]  # fmt: skip
    response = fold(deltas)
    assert (response.text, response.tool_calls, response.finish) == ("今天下雨", (call,), "tool_calls")
    assert (response.usage, response.reported_cost, len(response.logprobs)) == (Usage(3, output=2), "0.1", 1)


def test_a_cut_stream_has_no_usage_and_says_so() -> None:
    collected = Fold()
    collected.add(Delta("half"))
    assert (collected.response().finish, collected.response().usage) == ("cut", None)
    collected.add(Delta(usage=Usage()))
    assert collected.response().usage == Usage(), "no tokens at all is an answer, not a missing one"


def test_a_prompt_is_data() -> None:
    prompt = Prompt("p", 2, "Say $what, for $$5.")
    assert prompt.ref == "p@2"
    assert prompt.render(what="嗨") == "Say 嗨, for $5."
    assert len({prompt.hash, Prompt("p", 3, prompt.text).hash, Prompt("p", 2, prompt.text, {}).hash}) == 3
    with pytest.raises(KeyError):
        prompt.render()
