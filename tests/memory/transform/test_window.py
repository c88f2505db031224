"""The opening and the last turns are sent."""

from __future__ import annotations

import pytest
from conversations import conversation

from scrimp.memory.transform.window import WindowTransform


def test_old_turns_fall_out_in_hops() -> None:
    request = conversation(10)
    kept = WindowTransform(turns=4, hop=3).apply(request)
    assert kept.messages[:2] == request.messages[:2]
    assert len(kept.messages) == 2 + 2 * 4
    assert kept.messages[-1] is request.messages[-1]


def test_a_short_conversation_is_the_same_object() -> None:
    request = conversation(3)
    assert WindowTransform(turns=4).apply(request) is request


def test_the_parameters_are_checked() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        WindowTransform(turns=0)
