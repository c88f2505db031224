import json
from decimal import Decimal

from scrimp.core.messages import Image, Text, ToolCall
from scrimp.core.task import Answer, Episode, Task, task_from_json, task_to_json
from scrimp.core.tool import Tool


def test_a_task_survives_the_journal_without_its_functions() -> None:
    tools = (
        Tool("go", "走", {"type": "object"}, lambda arguments: "there", price=Decimal("0.010"), pure=True),
        Tool("far", "From outside.", {"type": "object"}, price=None),
    )
    task = Task(
        "t", "去哪里？", tools, (Text("see"), Image(url="u")), "calls", "known",
        (Episode("她住在奥斯陆。", owner="ann", source="s1", at=3.5),), "ann", "room", 7, {"kind": "x"},
    )  # fmt: skip
    again = task_from_json(json.loads(json.dumps(task_to_json(task))))
    assert [(tool.name, tool.price, tool.pure, tool.call) for tool in again.tools] == [
        ("go", Decimal("0.010"), True, None), ("far", None, False, None)
    ]  # fmt: skip
    assert [tool.spec.hash for tool in again.tools] == [tool.spec.hash for tool in tools]
    assert [tool.acts for tool in again.tools] == [False, False]
    for name in (
        "id", "text", "attachments", "answer_with", "background", "history", "owner", "environment", "steps", "labels"
    ):  # fmt: skip
        assert getattr(again, name) == getattr(task, name)


def test_an_answer_as_data() -> None:
    assert Answer("四").to_json() == {"text": "四", "partial": False}
    call = ToolCall("1", "go", {"x": 1})
    assert Answer(calls=(call,), partial=True).to_json()["calls"] == [call.to_json()]
