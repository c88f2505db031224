"""MemBench: factual memory over messages, with choices (import-myself/Membench); also its MemDaily format.

The messages come before the question as the task's history, one episode a message; the answer is a letter. Success is
the official accuracy. Recall of the gold messages needs a memory that names its sources; read and write times are
those of the ledger's memory phases (docs/metrics.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.task import Answer, Episode, Score, Task
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field, one_of
from scrimp.evaluate.benchmarks.gold import Gold, last_line

ASK = {
    "en": "It is {when}. Answer with the letter of the right choice only.\nQuestion: {question}\n{choices}",
    "zh": "现在是{when}。只回答正确选项的字母。\n问题：{question}\n{choices}",
}
LETTERS = ("A", "B", "C", "D")
_LETTER = re.compile(r"(?<![A-Za-z])([A-D])(?![A-Za-z])")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Item:
    """One question about a list of messages."""

    id: str
    kind: str
    messages: tuple[Episode, ...]
    question: str
    when: str
    choices: Mapping[str, str]
    right: str
    targets: tuple[str, ...]
    where: str


class MemBench:
    """MemBench and MemDaily as a Benchmark.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
    """

    name = "membench"
    splits = ("test",)
    default_split = "test"

    def __init__(self, data: Path | str | None = None) -> None:
        self._source = Source("membench", data)
        self.version = self._source.version("MemDaily")

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The questions."""
        if split not in self.splits:
            raise UnknownName("split of membench", split, self.splits)
        return map(_task, self._items.values())

    def gold(self, task_id: str) -> Gold:
        """The letter and the messages it rests on; for scorers and the oracle only."""
        item = self._item(task_id)
        said = {message.source: message.text for message in item.messages}
        evidence = tuple(said[target] for target in item.targets)
        wrong = next(letter for letter in LETTERS if letter != item.right)
        return Gold("text", (item.right,), says=item.right, wrong=wrong, evidence=evidence,
                    labels={"messages": " ".join(item.targets)})  # fmt: skip

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Whether the letter is right: the only letter from A to D that the last line has by itself."""
        right, said = self._item(task.id).right, set(_LETTER.findall(last_line(answer.text)))
        won = said == {right}
        return Score(float(won), won, "" if won else f"expected {right}, got {last_line(answer.text)[:40]!r}")

    def _item(self, task_id: str) -> Item:
        if task_id not in self._items:
            raise UnknownName("task of membench", task_id)
        return self._items[task_id]

    @cached_property
    def _items(self) -> Mapping[str, Item]:
        rows = self._source.rows("memdaily_sample", "membench", key="tid")
        items = (item for where, row in rows for item in _read(where, row))
        return by_id(items, lambda item: item.id, lambda item: item.where)


def _task(item: Item) -> Task:
    choices = "\n".join(f"{letter}. {text}" for letter, text in item.choices.items())
    language = "zh" if _CHINESE.search(item.question) else "en"
    text = ASK[language].format(when=item.when, question=item.question, choices=choices)
    return Task(
        item.id,
        text,
        query=f"{item.question}\n{choices}",
        history=item.messages,
        owner=item.id,
        remembered=False,
        labels={"kind": item.kind, "language": language},
    )


def _read(where: str, row: Mapping[str, Any]) -> Iterator[Item]:
    kind, owner = str(row.get("type", "")), f"{row.get('type', '')}-{row['tid']}"
    messages = field(where, row, "message_list", list)
    asked = row.get("question_list", [row["QA"]] if "QA" in row else None)
    if not isinstance(asked, list) or not asked:
        raise bad(where, "question_list", "is no list of questions (nor is there one under QA)")
    for number, one in enumerate(asked):
        at = f"{where}, question {one.get('qid', number) if isinstance(one, dict) else number}"
        if not isinstance(one, dict):
            raise bad(at, "question_list", "holds something that is no object")
        name = f"{owner}-{one.get('qid', number)}"
        episodes = tuple(_message(where, message, name) for message in messages)
        choices = field(at, one, "choices", dict)
        if tuple(sorted(choices)) != LETTERS:
            raise bad(at, "choices", f"are not A to D: {', '.join(sorted(map(str, choices)))}")
        targets = tuple(dict.fromkeys(str(target) for target in field(at, one, "target_step_id", list)))
        if not set(targets) <= {episode.source for episode in episodes}:
            raise bad(at, "target_step_id", f"names a message that is not there: {', '.join(targets)}")
        yield Item(
            name, kind, episodes, field(at, one, "question", str), str(one.get("time", "")),
            {letter: str(choices[letter]) for letter in LETTERS},
            one_of(at, "ground_truth", one.get("ground_truth"), LETTERS), targets, at,
        )  # fmt: skip


def _message(where: str, message: Any, owner: str) -> Episode:
    """A message of an observer (`message`) or of a pair (`user` and `agent`), with its time and place."""
    if not isinstance(message, dict) or "mid" not in message:
        raise bad(where, "message_list", "holds something that is no object with a mid")
    text = message.get("message")
    if isinstance(message.get("user"), str):
        text = f"user: {message['user']}\nagent: {message.get('agent', '')}"
    if not isinstance(text, str):
        raise bad(where, "message_list", f"message {message['mid']} has no text")
    about = ", ".join(str(message[key]) for key in ("time", "place") if message.get(key))
    return Episode(f"({about}) {text}" if about else text, owner=owner, source=str(message["mid"]))
