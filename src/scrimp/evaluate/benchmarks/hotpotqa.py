"""HotpotQA: questions that need two paragraphs. Yang et al., EMNLP 2018 (arXiv 1809.09600).

`search` puts the question's ten paragraphs (two of them gold) behind a search tool; `memory` has them read one by one,
in an order of a fixed seed, before the question; `closed` asks without any text. Success is the official exact match,
the value the official answer F1. Supporting facts are not asked for, so the joint figures are not given.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.task import Answer, Episode, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field, one_of
from scrimp.evaluate.benchmarks.gold import Gold, Step, last_line
from scrimp.evaluate.benchmarks.words import exact, hotpot_f1
from scrimp.tools.parts.words import BM25, words

ASK = "Answer the question in as few words as possible: a name, a number, a date, or yes or no.\nQuestion: {}"
WRONG = "noanswer"
SHOWN = 2
"""Paragraphs that one search gives."""

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": "What to look for."}},
    "required": ["query"],
}


@dataclass(frozen=True)
class Item:
    """One question; without paragraphs in the closed set."""

    id: str
    question: str
    answer: str
    kind: str
    paragraphs: tuple[tuple[str, tuple[str, ...]], ...]
    facts: tuple[tuple[str, int], ...]
    where: str


class HotpotQA:
    """HotpotQA as a Benchmark.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
    """

    name = "hotpotqa"
    splits = ("search", "memory", "closed")
    default_split = "search"

    def __init__(self, data: Path | str | None = None) -> None:
        self._source = Source("hotpotqa", data)
        self.version = self._source.version("dev 1.1")

    def tasks(self, split: str = "search") -> Iterator[Task]:
        """The questions of a split."""
        if split not in self.splits:
            raise UnknownName("split of hotpotqa", split, self.splits)
        items = self._closed if split == "closed" else self._open
        return (_task(item, split) for item in items.values())

    def gold(self, task_id: str) -> Gold:
        """The answer, the searches that find it and the sentences it rests on; for scorers and the oracle only."""
        item, split = self._item(task_id)
        if split == "closed":
            # Nothing in such a prompt can hold evidence, so an oracle that may use nothing else never answers.
            return Gold("text", (item.answer,), says=item.answer, wrong=WRONG, evidence=(f"{item.id} {item.answer}",))
        text = dict(item.paragraphs)
        evidence = tuple(text[title][place].strip() for title, place in item.facts)
        titles = list(dict.fromkeys(title for title, _ in item.facts)) if split == "search" else []
        asked = set(words(item.question))
        titles.sort(key=lambda title: -len(asked & set(words(title))))  # what the question names is searched first
        steps = tuple(Step("search", {"query": title}, ("query", f"{title[:3]}?")) for title in titles)
        read = tuple(range(len(steps)))
        bridge = bool(steps) and item.kind == "bridge"  # the first paragraph tells what to search for next
        return Gold("text", (item.answer,), steps, read, says=item.answer, wrong=WRONG, evidence=evidence,
                    ordered=bridge, foreseen=int(bridge))  # fmt: skip

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Official exact match and answer F1, on the last line of the answer."""
        gold, said = self._item(task.id)[0].answer, last_line(answer.text)
        right = exact(said, gold)
        return Score(hotpot_f1(said, gold), right, "" if right else f"expected {gold!r}, got {said[:80]!r}")

    def _item(self, task_id: str) -> tuple[Item, str]:
        identity, _, split = task_id.rpartition("-")
        items = self._closed if split == "closed" else self._open
        if split not in self.splits or identity not in items:
            raise UnknownName("task of hotpotqa", task_id)
        return items[identity], split

    @cached_property
    def _open(self) -> Mapping[str, Item]:
        rows = self._source.rows("distractor_sample_with_context", "hotpot_dev_distractor_v1", key="_id")
        return by_id(map(_read, rows), lambda item: item.id, lambda item: item.where)

    @cached_property
    def _closed(self) -> Mapping[str, Item]:
        rows = self._source.rows("dev_question_answer", "hotpot_dev_v1_simplified", key="question")
        items = (
            Item(f"q{number}", field(at, row, "question", str), field(at, row, "answer", str), row.get("type", ""), (),
                 (), at)
            for number, (at, row) in enumerate(rows)
        )  # fmt: skip
        return by_id(items, lambda item: item.id, lambda item: item.where)


def _read(checked: tuple[str, Mapping[str, Any]]) -> Item:
    where, row = checked
    paragraphs = field(where, row, "context", list)
    for one in paragraphs:
        if not (isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], list)):
            raise bad(where, "context", "holds something else than [title, [sentences]]")
    found = tuple((title, tuple(sentences)) for title, sentences in paragraphs)
    text, facts = dict(found), []
    for fact in field(where, row, "supporting_facts", list):
        if not (isinstance(fact, list) and len(fact) == 2 and fact[0] in text):
            raise bad(where, "supporting_facts", f"names no paragraph of the item: {fact}")
        if 0 <= int(fact[1]) < len(text[fact[0]]):  # some official facts count past the end of their paragraph
            facts.append((str(fact[0]), int(fact[1])))
    kind = one_of(where, "type", row.get("type"), ("bridge", "comparison"))
    return Item(
        str(row["_id"]), field(where, row, "question", str), field(where, row, "answer", str), kind, found,
        tuple(facts), where,
    )  # fmt: skip


def _task(item: Item, split: str) -> Task:
    labels, name = {"type": item.kind, "split": split}, f"{item.id}-{split}"
    text = ASK.format(item.question)
    if split == "closed":
        return Task(name, text, labels=labels)
    shown = [paragraph(title, sentences) for title, sentences in item.paragraphs]
    if split == "memory":
        random.Random(f"hotpotqa {item.id}").shuffle(shown)
        history = tuple(Episode(one, owner=item.id, source=one.partition(":")[0]) for one in shown)
        return Task(name, text, query=item.question, history=history, owner=item.id, remembered=False, labels=labels)
    call = partial(_search, tuple(shown))
    about = f"Search the encyclopedia; gives the {SHOWN} articles that fit best."
    tools = (Tool("search", about, SCHEMA, call, pure=True, inline=True, source="hotpotqa"),)
    return Task(name, text, tools, labels=labels)


def paragraph(title: str, sentences: Sequence[str]) -> str:
    """A paragraph as it is shown."""
    return f"{title}: {''.join(sentences).strip()}"


def _search(shown: Sequence[str], arguments: Mapping[str, Any]) -> str:
    """The paragraphs that fit a query best by BM25, words of a title counting three times, a whole title first."""
    query = arguments.get("query")
    if not isinstance(query, str) or not query.strip():
        raise ValueError("query is a text that is not empty")
    titles = [text.partition(": ")[0] for text in shown]
    scores = BM25([f"{title} {title} {text}" for title, text in zip(titles, shown, strict=True)]).scores(query)
    named = [title.casefold() == query.strip().casefold() for title in titles]
    best = sorted(range(len(shown)), key=lambda place: (named[place], scores[place]), reverse=True)
    return "\n".join(shown[place] for place in best[:SHOWN])
