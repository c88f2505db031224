"""LoCoMo: questions about a very long conversation. Maharana et al., ACL 2024 (arXiv 2402.17753).

The turns come before the question as the task's history, one episode a turn (picture captions included); the
summaries and observations of the file are aids from the gold side and are not read. The value is the official F1 (by
category, Porter stems); success is an F1 of at least 0.5, which is ours. `excerpt` is the first three sessions of the
first two conversations and 40 questions whose evidence lies in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.task import Answer, Episode, Score, Task
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field, moment
from scrimp.evaluate.benchmarks.gold import Gold, last_line
from scrimp.evaluate.benchmarks.words import f1, stemmed

CATEGORIES: Mapping[int, str] = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
TEMPORAL, OPEN, ADVERSARIAL, MULTI = 2, 3, 5, 1

NOT_SAID = "No information available."
NOWHERE = ("no information available", "not mentioned")
"""Words of which one must stand in the answer to an adversarial question."""

ASK = (
    "Answer the question about the conversation between {} and {} in a few words, with words of the conversation where "
    "that is possible. If the conversation does not say, answer: no information available.\nQuestion: {}"
)
DATE = " Use DATE of CONVERSATION to answer with an approximate date."
GOOD = 0.5
"""F1 from which an answer counts as a success; ours."""

MOMENT = "%I:%M %p on %d %B, %Y"
"""How the file writes when a session was."""
EXCERPT = (2, 3, 40)
"""Conversations, sessions of each, and questions of the excerpt."""

_TURN = re.compile(r"D\d+:\d+")


@dataclass(frozen=True)
class Talk:
    """One conversation: its turns by session, as they are shown."""

    id: str
    speakers: tuple[str, str]
    sessions: tuple[tuple[Episode, ...], ...]


@dataclass(frozen=True)
class Item:
    """One question about a conversation."""

    id: str
    talk: Talk
    question: str
    answer: str
    category: int
    evidence: tuple[str, ...]
    where: str


class LoCoMo:
    """LoCoMo as a Benchmark.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
    """

    name = "locomo"
    splits = ("test", "answerable", "excerpt", *(name.replace("-", "_") for name in CATEGORIES.values()))
    default_split = "test"

    def __init__(self, data: Path | str | None = None) -> None:
        self._source = Source("locomo", data)
        self.version = self._source.version("locomo10")

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The questions of a split: all, those of a category, those that are no trap, or the excerpt."""
        if split not in self.splits:
            raise UnknownName("split of locomo", split, self.splits)
        if split == "excerpt":
            return map(_task, self._excerpt.values())
        return (_task(item) for item in self._items.values() if split in _splits(item))

    def gold(self, task_id: str) -> Gold:
        """The answer and the turns it rests on; for scorers and the oracle only."""
        item = self._item(task_id)
        said = {turn.source: turn.text for session in item.talk.sessions for turn in session}
        if item.category == ADVERSARIAL:
            return Gold("text", (NOT_SAID,), direct=NOT_SAID, wrong="Yes.")
        evidence = tuple(said[turn] for turn in item.evidence if turn in said)
        says = item.answer.split(";")[0] if item.category == OPEN else item.answer
        return Gold("text", (item.answer,), says=says, wrong=NOT_SAID, evidence=evidence,
                    labels={"turns": " ".join(item.evidence)})  # fmt: skip

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """The official F1 of its category, on the last line of the answer."""
        item = self._item(task.id)
        said = last_line(answer.text)
        value = official(said, item.answer, item.category)
        return Score(value, value >= GOOD, f"{CATEGORIES[item.category]}: expected {item.answer!r}, got {said[:80]!r}")

    def _item(self, task_id: str) -> Item:
        items = self._excerpt if task_id.endswith("-excerpt") else self._items
        if task_id not in items:
            raise UnknownName("task of locomo", task_id)
        return items[task_id]

    @cached_property
    def _items(self) -> Mapping[str, Item]:
        rows = self._source.rows("locomo10_dev", "locomo10", key="sample_id")
        items = (item for where, row in rows for item in _questions(where, row))
        return by_id(items, lambda item: item.id, lambda item: item.where)

    @cached_property
    def _excerpt(self) -> Mapping[str, Item]:
        talks, sessions, questions = EXCERPT
        chosen = list(dict.fromkeys(item.talk.id for item in self._items.values()))[:talks]
        inside: list[list[Item]] = []
        for talk in chosen:
            mine = [item for item in self._items.values() if item.talk.id == talk]
            name = f"{talk}-excerpt"
            first = (tuple(replace(turn, owner=name) for turn in one) for one in mine[0].talk.sessions[:sessions])
            short = Talk(name, mine[0].talk.speakers, tuple(first))
            heard = {turn.source for session in short.sessions for turn in session}
            fits = [item for item in mine if item.evidence and set(item.evidence) <= heard]
            inside.append([replace(item, id=f"{item.id}-excerpt", talk=short) for item in fits])
        turns = [item for row in zip_longest(*inside) for item in row if item is not None]  # one of each in turn
        return {item.id: item for item in turns[:questions]}


def official(said: str, gold: str, category: int) -> float:
    """LoCoMo's score of one answer, from 0 to 1.

    Multi-hop: gold and answer are split at commas, each part of gold takes its best part, and the mean counts.
    Open-domain: only what stands before the first semicolon of gold. Adversarial: whether the answer says that there
    is no information.
    """
    if category == ADVERSARIAL:
        return float(any(words in said.lower() for words in NOWHERE))
    if category == MULTI:
        parts, golds = said.split(","), gold.split(",")
        return sum(max(f1(stemmed(part), stemmed(one)) for part in parts) for one in golds) / len(golds)
    return f1(stemmed(said), stemmed(gold.split(";")[0] if category == OPEN else gold))


def _splits(item: Item) -> tuple[str, ...]:
    own = CATEGORIES[item.category].replace("-", "_")
    return ("test", own) if item.category == ADVERSARIAL else ("test", "answerable", own)


def _task(item: Item) -> Task:
    question = item.question + (DATE if item.category == TEMPORAL else "")
    history = tuple(turn for session in item.talk.sessions for turn in session)
    return Task(
        item.id, ASK.format(*item.talk.speakers, question), query=question, history=history, owner=item.talk.id,
        remembered=False, at=history[-1].at, labels={"conversation": item.talk.id},
    )  # fmt: skip


def _questions(where: str, row: Mapping[str, Any]) -> Iterator[Item]:
    talk = _talk(where, row)
    known = {turn.source for session in talk.sessions for turn in session}
    for number, one in enumerate(field(where, row, "qa", list)):
        at = f"{where}, question {number}"
        if not isinstance(one, dict):
            raise bad(at, "qa", "holds something that is no object")
        category = field(at, one, "category", int)
        if category not in CATEGORIES:
            raise bad(at, "category", f"is {category}, not 1 to 5: is it another version of the set?")
        answer = NOT_SAID if category == ADVERSARIAL else one.get("answer")
        if answer is None:
            raise bad(at, "answer", "is missing")
        evidence = _evidence(field(at, one, "evidence", list), known)
        yield Item(
            f"{talk.id}-{number}", talk, field(at, one, "question", str), str(answer), category, evidence, at
        )  # fmt: skip


def _evidence(written: Sequence[Any], known: set[str]) -> tuple[str, ...]:
    """The turns that evidence names; the file has some that are joined, misspelt or not there."""
    found = [turn for text in written for turn in _TURN.findall(str(text))]
    return tuple(dict.fromkeys(turn for turn in found if turn in known))


def _talk(where: str, row: Mapping[str, Any]) -> Talk:
    data = field(where, row, "conversation", dict)
    speakers = field(where, data, "speaker_a", str), field(where, data, "speaker_b", str)
    sessions, number = [], 1
    while f"session_{number}" in data or f"session_{number}_date_time" in data:
        if f"session_{number}" in data:
            when = str(data.get(f"session_{number}_date_time", ""))
            turns = field(where, data, f"session_{number}", list)
            begun = moment(where, f"session_{number}_date_time", when, MOMENT)
            sessions.append(tuple(
                _turn(where, turn, when, str(row["sample_id"]), begun and begun + place)
                for place, turn in enumerate(turns)
            ))  # fmt: skip
        number += 1
    if not any(sessions):
        raise bad(where, "conversation", "has no turn of a session_1: is it another version of the set?")
    return Talk(str(row["sample_id"]), speakers, tuple(sessions))


def _turn(where: str, turn: Any, when: str, talk: str, at: float) -> Episode:
    """A turn; only its session's moment is told, so turns stand a second apart."""
    if not isinstance(turn, dict):
        raise bad(where, "conversation", "holds a turn that is no object")
    identity, speaker = field(where, turn, "dia_id", str), field(where, turn, "speaker", str)
    caption = f" [shares a picture of {turn['blip_caption']}]" if turn.get("blip_caption") else ""
    text = f"({when}) {speaker}: {field(where, turn, 'text', str)}{caption}"
    return Episode(text, owner=talk, source=identity, at=at, labels={"session": when})
