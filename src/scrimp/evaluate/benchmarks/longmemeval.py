"""LongMemEval: questions about many sessions of chat with an assistant. Wu et al., ICLR 2025 (arXiv 2410.10813).

The turns come before the question as the task's history, one episode a turn with its session and date. The official
score is a judge's yes or no, with a question that depends on the type: `judge=MODEL` asks that model, and lists what it
costs under `harness`. Without a judge, success is whether the answer holds the gold answer (but for case, marks and
articles), or says that it cannot be known where the question is a trap: ours, and stricter than a judge. Read from
`longmemeval_s_cleaned.json`, `longmemeval_oracle.json` or a file of one item.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.messages import user
from scrimp.core.prompt import Prompt
from scrimp.core.task import Answer, Episode, Score, Task
from scrimp.evaluate.benchmarks.checking import check
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field, moment, one_of
from scrimp.evaluate.benchmarks.gold import Gold
from scrimp.evaluate.benchmarks.words import normal

TYPES = ("single-session-user", "single-session-assistant", "single-session-preference", "multi-session",
         "temporal-reasoning", "knowledge-update")  # fmt: skip
ABSTAIN = "_abs"
UNKNOWN = "The conversations do not say."
REFUSES = ("do not say", "does not say", "not mentioned", "no information", "cannot know", "don't know", "do not know")

MOMENT = "%Y/%m/%d (%a) %H:%M"
"""How the file writes when something was."""
ASK = "It is {date}. Answer the question from what was said before; if it was never said, say so.\nQuestion: {question}"

JUDGE = Prompt(
    "longmemeval-judge",
    1,
    "A question was asked about earlier conversations. Say whether the response is right.\nQuestion: $question\n"
    "Right answer: $gold\nResponse: $said\nRule: $rule\nReply with yes or no only.",
)
PLAIN = "yes if the response contains the right answer or says the same; no if it gives only a part of it"
RULES: Mapping[str, str] = {
    "temporal-reasoning": f"{PLAIN}; a number of days, weeks or months that is off by one is still right",
    "knowledge-update": "yes if the newest answer is given, also where an older one stands beside it",
    "single-session-preference": "the right answer is a rubric; yes if the response makes use of what is known of the "
    "user as it asks, also without every point of it",
}
TRAP = "the question cannot be answered; yes if the response recognises that"


@dataclass(frozen=True)
class Item:
    """One question and the sessions before it."""

    id: str
    kind: str
    question: str
    answer: str
    date: str
    turns: tuple[Episode, ...]
    evidence: tuple[str, ...]
    where: str

    @property
    def trap(self) -> bool:
        return self.id.endswith(ABSTAIN)


class LongMemEval:
    """LongMemEval as a Benchmark.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
        judge: name of the model that judges; none where empty.
    """

    name = "longmemeval"
    splits = ("test",)
    default_split = "test"

    def __init__(self, data: Path | str | None = None, judge: str = "") -> None:
        self._source = Source("longmemeval", data)
        self.version = self._source.version("cleaned")
        self.roles = {"judge": judge} if judge else {}

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The questions."""
        if split not in self.splits:
            raise UnknownName("split of longmemeval", split, self.splits)
        return map(_task, self._items.values())

    def gold(self, task_id: str) -> Gold:
        """The answer and the turns it rests on; for scorers and the oracle only."""
        item = self._item(task_id)
        if item.trap:
            return Gold("text", (UNKNOWN,), direct=UNKNOWN, wrong="Yes.")
        return Gold("text", (item.answer,), says=item.answer, wrong=UNKNOWN, evidence=item.evidence)

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """The judge's yes or no; without a judge, whether the answer holds the gold answer."""
        item = self._item(task.id)
        if self.roles:
            rule = TRAP if item.trap else RULES.get(item.kind, PLAIN)
            asked = JUDGE.render(question=item.question, gold=item.answer, said=answer.text, rule=rule)
            response = await ctx.complete([user(asked)], prompt=JUDGE, model="judge", max_output=8)
            right = response.text.strip().lower().startswith("yes")
            return Score(float(right), right, f"{item.kind}: the judge said {response.text.strip()[:20]!r}")
        right = refuses(answer.text) if item.trap else f" {normal(item.answer)} " in f" {normal(answer.text)} "
        return Score(float(right), right, f"{item.kind}: expected {item.answer!r}, got {answer.text[:80]!r}")

    def check(self) -> dict[str, Any]:
        """Load every question and score its own answer by the rule without a judge (`checking.check`)."""
        plain = LongMemEval(self._source.folder)
        plain.__dict__["_items"] = self._items
        return check(plain)

    def _item(self, task_id: str) -> Item:
        if task_id not in self._items:
            raise UnknownName("task of longmemeval", task_id)
        return self._items[task_id]

    @cached_property
    def _items(self) -> Mapping[str, Item]:
        files = ("longmemeval_s_cleaned", "longmemeval_oracle", "longmemeval_m_cleaned", "longmemeval_s_one_item")
        rows = self._source.rows(*files, key="question_id")
        return by_id((_read(where, row) for where, row in rows), lambda item: item.id, lambda item: item.where)


def refuses(text: str) -> bool:
    """Whether an answer says that the conversations do not tell."""
    return any(words in text.lower() for words in REFUSES)


def _task(item: Item) -> Task:
    text = ASK.format(date=item.date, question=item.question)
    return Task(item.id, text, query=item.question, history=item.turns, owner=item.id, remembered=False,
                at=moment(item.where, "question_date", item.date, MOMENT), labels={"type": item.kind})  # fmt: skip


def _read(where: str, row: Mapping[str, Any]) -> Item:
    identity, sessions = str(row["question_id"]), field(where, row, "haystack_sessions", list)
    names, dates = field(where, row, "haystack_session_ids", list), field(where, row, "haystack_dates", list)
    if not len(sessions) == len(names) == len(dates):
        raise bad(where, "haystack_sessions", "has another length than haystack_session_ids and haystack_dates")
    turns: list[Episode] = []
    evidence: list[str] = []
    for name, date, session in zip(names, dates, sessions, strict=True):
        begun = moment(where, "haystack_dates", str(date), MOMENT)
        for number, turn in enumerate(session):
            if not isinstance(turn, dict) or not isinstance(turn.get("content"), str) or "role" not in turn:
                raise bad(where, "haystack_sessions", f"session {name} holds a turn without role or content")
            text = f"({date}) {turn['role']}: {turn['content']}"
            turns.append(Episode(text, owner=identity, source=f"{name}:{number}", at=begun and begun + number,
                                 labels={"session": str(name)}))  # fmt: skip
            if turn.get("has_answer"):
                evidence.append(text)
    return Item(
        identity, one_of(where, "question_type", row.get("question_type"), TYPES), field(where, row, "question", str),
        str(row.get("answer", "")), str(row.get("question_date", "")), tuple(turns), tuple(evidence), where,
    )  # fmt: skip
