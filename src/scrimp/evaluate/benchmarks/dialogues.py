"""Long dialogues made here: facts that are planted, updated, contradicted, joined and never said.

A seeded generator of sessions between a user and an assistant in which small talk surrounds the facts (fixture D of the
project's notes on memory). Questions ask for a fact, for its newest value after an update, for the value that stands
after somebody took back what they said, for a fact that takes two turns, for what held before an update, and for what
was never said. Gold names the turns, so that recall@k needs no model. No outside data.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Episode, Score, Task
from scrimp.evaluate.benchmarks.gold import Gold, compare
from scrimp.evaluate.benchmarks.world.invented import made_names, made_people

SIZES: Mapping[str, int] = {"test": 40, "dev": 10}
"""Dialogues per split; each is asked KINDS questions, one of each kind in turn."""

KINDS = ("fact", "updated", "contradicted", "two_hop", "before", "unanswerable")
PER_KIND = 2
CHINESE = 0.1
DAY = 86_400.0
START = 1_900_000_000.0

NOT_SAID = {"en": "unknown", "zh": "不知道"}

ASK = {
    "en": "Answer from conversation {}, with one word or name; answer unknown if it was never said.\nQuestion: {}",
    "zh": "根据对话{}回答，只用一个词或名字；从未提到则回答不知道。\n问题：{}",
}
SAY = {
    "en": {
        "town": ("{a} lives in {v}.", "In which town does {a} live now?", "In which town did {a} live first?"),
        "craft": ("{a} works as a {v}.", "What does {a} work as now?", "What did {a} work as first?"),
        "pet": ("{a} keeps a pet called {v}.", "What is {a}'s pet called now?", "What was {a}'s first pet called?"),
        "friend": ("{a}'s best friend is {v}.", "Who is {a}'s best friend now?", "Who was {a}'s first best friend?"),
    },
    "zh": {
        "town": ("{a}住在{v}。", "{a}现在住在哪个镇？", "{a}最初住在哪个镇？"),
        "craft": ("{a}的职业是{v}。", "{a}现在的职业是什么？", "{a}最初的职业是什么？"),
        "pet": ("{a}养的宠物叫{v}。", "{a}的宠物现在叫什么？", "{a}的第一只宠物叫什么？"),
        "friend": ("{a}最好的朋友是{v}。", "{a}现在最好的朋友是谁？", "{a}最初最好的朋友是谁？"),
    },
}  # fmt: skip
"""How a fact is said, asked for, and asked for as it was first."""

CHANGED = {"en": "News: things changed, and now {}", "zh": "有新消息：情况变了，现在{}"}
TAKEN_BACK = {"en": "I was wrong about that the other day: in truth {}", "zh": "上次我说错了：其实{}"}
TWO_HOP = {"en": "In which town does {a}'s best friend live?", "zh": "{a}最好的朋友住在哪个镇？"}
CRAFTS = {
    "en": ("glazier", "cooper", "tanner", "miller", "printer", "fletcher", "weaver", "chandler", "sawyer", "potter",
           "saddler", "farrier", "thatcher", "brewer", "dyer", "engraver"),
    "zh": ("玻璃匠", "桶匠", "皮匠", "磨坊主", "印刷工", "制箭匠", "织工", "蜡烛匠", "锯木工", "陶工", "马鞍匠",
           "蹄铁匠", "茅屋匠", "酿酒师", "染匠", "雕刻师"),
}  # fmt: skip
CHATTER = {
    "en": ("The rain has not stopped since noon.", "I tried the soup with more pepper.", "The bus was late again.",
           "My neighbour is painting the fence.", "I slept badly and had two cups of tea.", "The market was full.",
           "I am reading a book about lighthouses.", "We planted beans behind the shed."),
    "zh": ("雨从中午下到现在。", "我在汤里多放了胡椒。", "公交车又晚点了。", "邻居正在刷篱笆。", "我没睡好。",
           "今天市场很挤。", "我在读一本关于灯塔的书。", "我们在棚子后面种了豆子。"),
}  # fmt: skip
REPLIES = {
    "en": ("I see.", "Tell me more.", "Thank you, noted.", "How nice."),
    "zh": ("明白了。", "再说说。", "好的，记下了。", "真好。"),
}


@dataclass
class _Fact:
    """One thing that is known of a person: its values in time, and the turns that say them."""

    person: str
    sort: str
    kind: str
    values: list[str] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)

    def plain(self, order: int, language: str) -> str:
        """What one of its values is said by, without a full stop: the words that an answer rests on."""
        return SAY[language][self.sort][0].format(a=self.person, v=self.values[order]).rstrip(".。")


@dataclass(frozen=True)
class _Dialogue:
    turns: tuple[Episode, ...]
    items: Mapping[str, tuple[Task, Gold]]


class Dialogues:
    """Dialogues made here as a Benchmark.

    Args:
        seed: which dialogues; 0 is the standard one.
        sessions, turns: sessions of a dialogue, and turns of the user in each.
    """

    name = "dialogues"
    version = "1"
    splits = tuple(SIZES)
    default_split = "test"

    def __init__(self, seed: int = 0, sessions: int = 10, turns: int = 12) -> None:
        if not (2 <= sessions <= 1000 and 6 <= turns <= 1000):
            raise InputError("dialogues takes sessions from 2 and turns from 6, up to 1000 each")
        self.seed, self.sessions, self.turns = seed, sessions, turns

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The questions, dialogue after dialogue, kinds in turn."""
        if split not in SIZES:
            raise UnknownName("split of dialogues", split, SIZES)
        for number in range(SIZES[split]):
            yield from (task for task, _ in self._dialogue(f"{split}-{number:03d}").items.values())

    def gold(self, task_id: str) -> Gold:
        """The answer and the turns it rests on; for scorers and the oracle only."""
        found = self._dialogue(task_id.rpartition("-")[0]).items.get(task_id)
        if found is None:
            raise UnknownName("task of dialogues", task_id)
        return found[1]

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Right or wrong by the last line of the answer (rules: `gold.compare`)."""
        return compare(self.gold(task.id), answer.text)

    def _dialogue(self, name: str) -> _Dialogue:
        split, _, number = name.partition("-")
        if split not in SIZES or not number.isdigit() or int(number) >= SIZES[split]:
            raise UnknownName("dialogue", name)
        return _made(name, self.seed, self.sessions, self.turns)


@lru_cache(maxsize=128)
def _made(name: str, seed: int, sessions: int, turns: int) -> _Dialogue:
    rng = random.Random(f"dialogues {seed} {name} {sessions} {turns}")
    language = "zh" if rng.random() < CHINESE else "en"
    facts = _facts(rng, language)
    said = _placed(rng, facts, sessions * turns, language)
    episodes = []
    for place, text in enumerate(said):
        session = place // turns
        at = START + session * 7 * DAY + (place % turns) * 60
        head, reply = f"[session {session + 1}, turn {place % turns + 1}]", rng.choice(REPLIES[language])
        shown = f"{head} user: {text}\nassistant: {reply}"
        episodes.append(Episode(shown, owner=name, source=f"t{place}", at=at, labels={"session": str(session + 1)}))
    history = tuple(episodes)
    items = {}
    plain = {turn: fact.plain(order, language) for fact in facts for order, turn in enumerate(fact.turns)}
    for number, (kind, question, answer, places) in enumerate(_questions(facts, language)):
        task = Task(
            f"{name}-{number:02d}", ASK[language].format(name, question), query=question, history=history, owner=name,
            remembered=False,
            labels={"kind": kind, "language": language},
        )  # fmt: skip
        evidence = tuple(plain[place] for place in places)
        turns_named = {"turns": " ".join(f"t{place}" for place in places)}
        if kind == "unanswerable":
            gold = Gold("text", (answer,), direct=answer, wrong="Yes.", labels=turns_named)
        else:
            gold = Gold("text", (answer,), says=answer, wrong=NOT_SAID[language], evidence=evidence, labels=turns_named)
        items[task.id] = task, gold
    return _Dialogue(history, items)


def _facts(rng: random.Random, language: str) -> list[_Fact]:
    """Facts of every kind; each about a person of its own, but for the two hops, which share a friend."""
    people, towns = made_people(rng, 40), made_names(rng, 40)
    pets = made_names(rng, 20)
    names = iter(people)
    values = {"town": iter(towns), "pet": iter(pets), "craft": iter(rng.sample(CRAFTS[language], 16))}
    facts: list[_Fact] = []
    for kind in ("fact", "updated", "contradicted", "before"):
        for _ in range(PER_KIND):
            sort = rng.choice(("town", "craft", "pet"))
            count = 1 if kind == "fact" else 2
            facts.append(_Fact(next(names), sort, kind, [next(values[sort]) for _ in range(count)]))
    for _ in range(PER_KIND):
        one, other = next(names), next(names)
        facts.append(_Fact(one, "friend", "two_hop", [other]))
        facts.append(_Fact(other, "town", "second hop", [next(values["town"])]))
        facts.append(_Fact(next(names), "pet", "unanswerable"))
    return facts


def _placed(rng: random.Random, facts: list[_Fact], total: int, language: str) -> list[str]:
    """The user's turns: facts at drawn places, a later value after an earlier one, small talk between."""
    wanted = [(fact, order) for fact in facts for order in range(len(fact.values))]
    places = sorted(rng.sample(range(total), min(len(wanted), total)))
    if len(places) < len(wanted):
        raise InputError(f"dialogues: {total} turns do not hold {len(wanted)} facts", remedy="more sessions or turns")
    rng.shuffle(wanted)
    wanted.sort(key=lambda one: one[1])  # first values come before second ones
    said = [rng.choice(CHATTER[language]) for _ in range(total)]
    for place, (fact, order) in zip(places, wanted, strict=True):
        plain = SAY[language][fact.sort][0].format(a=fact.person, v=fact.values[order])
        frame = (TAKEN_BACK if fact.kind == "contradicted" else CHANGED)[language] if order else "{}"
        said[place] = frame.format(plain)
        fact.turns.append(place)
    return said


def _questions(facts: list[_Fact], language: str) -> Iterator[tuple[str, str, str, list[int]]]:
    """Kind, question, answer, and the turns that are its evidence."""
    town = {fact.person: fact for fact in facts if fact.sort == "town"}
    for fact in facts:
        _, now, first = SAY[language][fact.sort]
        if fact.kind in ("fact", "updated", "contradicted"):
            yield fact.kind, now.format(a=fact.person), fact.values[-1], fact.turns[-1:]
        elif fact.kind == "before":
            yield fact.kind, first.format(a=fact.person), fact.values[0], fact.turns[:1]
        elif fact.kind == "two_hop":
            friend = town[fact.values[0]]
            yield fact.kind, TWO_HOP[language].format(a=fact.person), friend.values[-1], [*fact.turns, *friend.turns]
        elif fact.kind == "unanswerable":
            yield fact.kind, now.format(a=fact.person), NOT_SAID[language], []
