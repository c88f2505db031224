"""UltraTool: is a tool needed at each step of a plan, and with which arguments. Huang et al., ACL Findings 2024
(arXiv 2401.17167).

`awareness` asks for 0 or 1 at each step: the value is the element-level accuracy, success the list-level one. `usage`
asks for the arguments of each step: the value is the mean Levenshtein similarity of the arguments as text, success that
all are the same. Planning and tool creation are judged by a model in the official set and are not scored here. The data
carry no licence, so only a sample of them is at hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field
from scrimp.evaluate.benchmarks.gold import Gold
from scrimp.evaluate.metrics.paths import distance

FILES: Mapping[str, tuple[str, ...]] = {
    "awareness": ("test_set_tool_usage_awareness_sample50", "tool_usage_awareness"),
    "usage": ("test_set_tool_usage_sample50", "tool_usage"),
}
ASK = {
    "awareness": "These are the steps of a plan, as JSON. For each step that has a field tool, in order, say whether a "
    "tool is needed: 1 or 0. Reply with a JSON list of these numbers only.\nPlan {id}: {steps}",
    "usage": "These are the steps of a plan, as JSON, and the tools it uses. For each step that has a field param, in "
    "order, give the arguments of its tool. Reply with a JSON list of objects only.\nRequest: {question}\n"
    "Tools: {tools}\nPlan {id}: {steps}",
}
_LIST = re.compile(r"\[.*\]", re.DOTALL)


@dataclass(frozen=True)
class Item:
    """One plan and what is wanted at its steps."""

    id: str
    text: str
    wanted: tuple[Any, ...]
    where: str


class UltraTool:
    """UltraTool as a Benchmark.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
    """

    name = "ultratool"
    splits = tuple(FILES)
    default_split = "awareness"

    def __init__(self, data: Path | str | None = None) -> None:
        self._source = Source("ultratool", data)
        self.version = self._source.version("ACL 2024")
        self._loaded: dict[str, Mapping[str, Item]] = {}

    def tasks(self, split: str = "awareness") -> Iterator[Task]:
        """The plans of a split."""
        return (Task(item.id, item.text, labels={"split": split}) for item in self._split(split).values())

    def gold(self, task_id: str) -> Gold:
        """What is wanted at the steps; for scorers and the oracle only. All of it stands in the prompt."""
        said = json.dumps(self._item(task_id).wanted, ensure_ascii=False)
        return Gold("text", (said,), direct=said, wrong="[]")

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """How much of the list is right."""
        wanted = self._item(task.id).wanted
        said = listed(answer.text)
        if said is None:
            return Score(0.0, False, "the answer holds no JSON list")
        padded = [*said, *([None] * len(wanted))][: len(wanted)]
        if task.id.startswith("awareness"):
            each = [float(str(one) == str(two)) for one, two in zip(wanted, padded, strict=True)]
        else:
            each = [similarity(one, two) for one, two in zip(wanted, padded, strict=True)]
        value = sum(each) / len(each)
        return Score(value, value == 1.0 and len(said) == len(wanted), f"{each.count(1.0)} of {len(each)} steps right")

    def _item(self, task_id: str) -> Item:
        split = task_id.split("-")[0]
        if split not in FILES or task_id not in self._split(split):
            raise UnknownName("task of ultratool", task_id)
        return self._split(split)[task_id]

    def _split(self, split: str) -> Mapping[str, Item]:
        if split not in FILES:
            raise UnknownName("split of ultratool", split, FILES)
        if split not in self._loaded:
            items = (_read(split, where, row) for where, row in self._source.rows(*FILES[split], key="index"))
            self._loaded[split] = by_id(items, lambda item: item.id, lambda item: item.where)
        return self._loaded[split]


def listed(text: str) -> list[Any] | None:
    """The JSON list in an answer."""
    found = _LIST.search(text)
    if found is None:
        return None
    try:
        value = json.loads(found[0])
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, list) else None


def similarity(wanted: Any, said: Any) -> float:
    """1 less the Levenshtein distance of two values as sorted JSON over the longer one's length."""
    one, other = (json.dumps(value, ensure_ascii=False, sort_keys=True) for value in (wanted, said))
    return 1 - distance(list(one), list(other)) / max(len(one), len(other))


def _read(split: str, where: str, row: Mapping[str, Any]) -> Item:
    steps, reference = field(where, row, "input", list), field(where, row, "reference", list)
    key = "tool" if split == "awareness" else "param"
    asked = [step["step"] for step in steps if isinstance(step, dict) and key in step and "step" in step]
    wanted = _wanted(where, reference, key)
    if not wanted or [step for step, _ in wanted] != asked:
        raise bad(where, "reference", "is not about the steps of the input")
    if split == "awareness":
        values: Sequence[Any] = [int(value) if value in ("0", "1") else value for _, value in wanted]
    else:
        values = [value for _, value in wanted]
    name = f"{split}-{row['index']}"
    shown = {"id": name, "steps": json.dumps(steps, ensure_ascii=False)}
    if split == "usage":
        shown |= {"question": str(row.get("question", "")).strip(),
                  "tools": json.dumps(field(where, row, "toolset", list), ensure_ascii=False)}  # fmt: skip
    return Item(name, ASK[split].format(**shown), tuple(values), where)


def _wanted(where: str, reference: Sequence[Any], key: str) -> list[tuple[str, Any]]:
    for one in reference:
        if not isinstance(one, dict) or "step" not in one or key not in one:
            raise bad(where, "reference", f"holds a step without {key}")
    return [(one["step"], one[key]) for one in reference]
