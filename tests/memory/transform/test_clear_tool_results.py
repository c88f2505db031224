"""Old tool results are cleared, in hops, and the last ones stay."""

from __future__ import annotations

from itertools import pairwise

from conversations import conversation, prefixes

from scrimp.agent import Agent
from scrimp.core.system import System
from scrimp.memory.transform.clear_tool_results import ClearToolResults
from scrimp.outfit import Parts
from scrimp.testing import ScriptedModel


def test_the_last_results_stay_and_older_ones_are_a_word() -> None:
    request = conversation(6)
    cleared = ClearToolResults(keep=2, hop=1).apply(request)
    texts = [message.text for message in cleared.messages if message.role == "tool"]
    assert [text.startswith("[result cleared: 600 characters") for text in texts] == [True] * 4 + [False] * 2
    assert [message.tool_call_id for message in cleared.messages] == [m.tool_call_id for m in request.messages]


def test_between_two_hops_the_beginning_stays_the_same() -> None:
    clear = ClearToolResults(keep=2, hop=3)
    sent = [clear.apply(request) for request in prefixes(conversation(12))]
    breaks = sum(after.messages[: len(before.messages)] != before.messages for before, after in pairwise(sent))
    assert breaks == 3  # 12 results, 2 kept: at 5, 8 and 11
    for before, after in pairwise(sent):
        assert all(one is other for one, other in zip(before.messages, after.messages, strict=False) if one == other)


def test_short_results_and_short_conversations_stay() -> None:
    assert ClearToolResults(keep=3).apply(request := conversation(3)) is request
    assert ClearToolResults(keep=0, hop=1, at_least=900).apply(request) is request


def test_it_is_idempotent() -> None:
    clear = ClearToolResults(keep=1, hop=1)
    once = clear.apply(conversation(5))
    assert clear.apply(once) is once


def test_a_system_with_the_table_uses_it(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path))
    (tmp_path / "s.toml").write_text('[[transform]]\nname = "clear-tool-results"\nkeep = 1\nhop = 1\n', "utf-8")
    seen = []

    def answer(request):  # type: ignore[no-untyped-def]
        seen.append(request)
        from scrimp.core.messages import Response, ToolCall, assistant

        number = len(seen)
        if number < 4:
            return Response(assistant("", [ToolCall(f"c{number}", "show", {"n": number})]), "tool_calls")
        return "done"

    def show(n: int) -> str:
        """Show a lot."""
        return f"{n} " * 300

    agent = Agent(
        System.from_toml(tmp_path / "s.toml"), tools=[show], parts=Parts(models={"main": ScriptedModel(answer)})
    )
    assert agent.run("go").answer == "done"
    last = [message.text[:16] for message in seen[-1].messages if message.role == "tool"]
    assert last == ["[result cleared:", "[result cleared:", "3 3 3 3 3 3 3 3 "]
