"""Says a drawn task in English or Chinese, and makes up the tasks that need no tool or that none can do."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from scrimp.evaluate.benchmarks.gold import UNSOLVABLE, Form, Gold, Ref
from scrimp.evaluate.benchmarks.world.drafts import Draft
from scrimp.evaluate.benchmarks.world.entry import Entry
from scrimp.evaluate.benchmarks.world.invented import world

LETTERS = "ABCDEFGH"

ASKS = {
    "en": ("Find {}.", "Please tell me {}.", "Work out {}.", "I need to know {}.", "Could you find out {}?"),
    "zh": ("求{}。", "请告诉我{}。", "请查出{}。", "我想知道{}。"),
}
LISTS = {
    "en": ("Find each of the following: {}.", "Please tell me all of these: {}.", "I need to know several things: {}."),
    "zh": ("请分别求出：{}。", "我想知道以下各项：{}。"),
}
FORMS = {
    "en": {"number": "Answer with the number only.", "text": "Answer with the text only.",
           "date": "Answer with the date only (YYYY-MM-DD).", "name": "Answer with the name only.",
           "list": "Answer with the numbers only, in order, separated by commas.",
           "several": "Answer with the results only, in this order, on one line, separated by semicolons."},
    "zh": {"number": "只回答数字。", "text": "只回答文本。", "date": "只回答日期（YYYY-MM-DD）。",
           "name": "只回答名称。",
           "list": "只按顺序回答各数，用逗号分隔。", "several": "只在一行中按此顺序回答各结果，用分号分隔。"},
}  # fmt: skip
OTHERWISE = {
    "en": f'If it cannot be found out, answer "{UNSOLVABLE}".',
    "zh": f"如果无法得出，请回答“{UNSOLVABLE}”。",
}
NAMES = frozenset(("city", "country", "currency", "person", "company", "weekday"))


def say(rng: random.Random, draft: Draft, language: str) -> str:
    """The question of a draft."""
    if len(draft.read) > 1:
        parts = [_phrase(rng, draft, place, language, {}) for place in draft.read]
        items = "; ".join(f"({number}) {part}" for number, part in enumerate(parts, 1))
        body = rng.choice(LISTS[language]).format(items)
        return _close(body, "several", language)
    last = len(draft.steps) - 1
    uses = [value.step for step in draft.steps for value in step.arguments.values() if isinstance(value, Ref)]
    nested = len(draft.steps) <= 3 and len(uses) == len(set(uses)) and rng.random() < 0.6
    if last == 0 or nested:
        body = rng.choice(ASKS[language]).format(_nest(rng, draft, last, language))
    else:
        body = _sequence(rng, draft, language)
    return _close(body, _form_words(draft.entries[last]), language)


def _form_words(entry: Entry) -> str:
    if "date" in entry.gives:
        return "date"
    return "name" if NAMES & set(entry.gives) else entry.gives[0]


def _close(body: str, form: str, language: str) -> str:
    gap = "" if language == "zh" else " "
    return f"{body}{gap}{FORMS[language][form]}{gap}{OTHERWISE[language]}"


def _phrase(rng: random.Random, draft: Draft, place: int, language: str, said: Mapping[int, str]) -> str:
    """The noun phrase of a call; `said` holds how earlier results are spoken of."""
    entry, step = draft.entries[place], draft.steps[place]
    phrases = entry.phrases[language]
    template = rng.choice(phrases) if place == len(draft.steps) - 1 else phrases[0]
    holes = {
        name: said[value.step] if isinstance(value, Ref) else entry.kinds[name].say(value)
        for name, value in step.arguments.items()
    }
    return template.format(**holes)


def _nest(rng: random.Random, draft: Draft, place: int, language: str) -> str:
    inner = [value.step for value in draft.steps[place].arguments.values() if isinstance(value, Ref)]
    brackets = "（{}）" if language == "zh" else "({})"
    return _phrase(
        rng, draft, place, language, {step: brackets.format(_nest(rng, draft, step, language)) for step in inner}
    )


def _sequence(rng: random.Random, draft: Draft, language: str) -> str:
    said = {place: LETTERS[place] for place in range(len(draft.steps))}
    phrases = [_phrase(rng, draft, place, language, said) for place in range(len(draft.steps))]
    steps, last = list(zip(LETTERS, phrases[:-1], strict=False)), phrases[-1]
    if language == "zh":
        return "".join(f"设{letter}为{phrase}。" for letter, phrase in steps) + f"求{last}。"
    if rng.random() < 0.5:
        return " ".join(f"Let {letter} be {phrase}." for letter, phrase in steps) + f" Find {last}."
    openings = ["First find", *["Then find"] * len(steps)]
    told = " ".join(f"{openings[i]} {phrase} and call it {letter}." for i, (letter, phrase) in enumerate(steps))
    return f"{told} Finally find {last}."


# -- tasks without a call -----------------------------------------------------------------------------

Facts = Mapping[str, Any]


def _facts(rng: random.Random) -> dict[str, Any]:
    """Names and figures for the holes below; those of a kind differ from each other."""
    known = world()
    people, towns = rng.sample(list(known.staff), 2), rng.sample(list(known.cities), 2)
    goods, flights = rng.sample(list(known.products), 3), rng.sample(list(known.flights), 3)
    figures = rng.sample(range(113, 9871), 3)
    return {
        "person": people[0], "other": people[1], "city": towns[0], "town": towns[1],
        "company": rng.choice(list(known.companies)),
        "p1": goods[0], "p2": goods[1], "p3": goods[2], "f1": flights[0], "f2": flights[1], "f3": flights[2],
        "n1": figures[0], "n2": figures[1], "n3": figures[2],
    }  # fmt: skip


PLAIN: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "en": (
        ('A note reads: "{person} has moved from room {n1} to room {n2}." Find the room that {person} moved to.',
         "number", "n2", "n1"),
        ("The delivery slip lists {n1} crates of {p1}, {n2} crates of {p2} and {n3} crates of {p3}. "
         "Find the number of crates of {p3} on the slip.", "number", "n3", "n1"),
        ("The board shows flight {f1} at gate {n1}, flight {f2} at gate {n2} and flight {f3} at gate {n3}. "
         "Find the gate of flight {f2}.", "number", "n2", "n3"),
        ("The minutes say: the budget of the {city} project rises from {n1} to {n2}. "
         "Find the budget of the {city} project after the rise.", "number", "n2", "n1"),
        ('A message says: "The meeting with {person} is in {city}, not in {town}." '
         "Find the city of the meeting.", "name", "city", "town"),
        ('The rota says: "{person} has the early shift, {other} the late one, in building {n1}." '
         "Find the name of the person on the late shift.", "name", "other", "person"),
    ),
    "zh": (
        ("便条上写着：“{person}已从{n1}室搬到{n2}室。”请问{person}搬到了几号房间？", "number", "n2", "n1"),
        ("送货单列有{p1} {n1}箱、{p2} {n2}箱、{p3} {n3}箱。请问单上{p2}有多少箱？", "number", "n2", "n1"),
        ("消息说：“与{person}的会议在{city}举行，不在{town}。”请问会议在哪个城市？", "name", "city", "town"),
    ),
}  # fmt: skip
"""Text with holes, form, the hole that is the answer, the hole that a careless reader takes."""

BEYOND: Mapping[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("the shoe size of {person}", "number"), ("the room number of the office of {person}", "number"),
        ("the telephone number of the company {company}", "text"), ("the colour of the product {p1}", "text"),
        ("the name of the pilot of flight {f1}", "name"), ("the gate from which flight {f1} leaves", "text"),
        ("the number of trees in the city {city}", "number"),
        ("tomorrow's highest temperature in the city {city}", "number"),
        ("the share price of the company {company} at yesterday's close", "number"),
        ("the birthday of {person}", "date"), ("the warranty period of the product {p1} in months", "number"),
        ("the name of the mayor of the city {city}", "name"), ("the number of free seats on flight {f1}", "number"),
        ("the favourite dish of {person}", "text"),
    ),
    "zh": (
        ("员工{person}的鞋码", "number"), ("公司{company}的电话号码", "text"), ("产品{p1}的颜色", "text"),
        ("航班{f1}的机长姓名", "name"), ("城市{city}的树木数量", "number"), ("产品{p1}的保修期（月）", "number"),
    ),
}  # fmt: skip
"""What no function of the world knows."""


def plain(rng: random.Random, language: str) -> tuple[str, Gold]:
    """A task whose text holds the answer."""
    text, form, right, wrong = rng.choice(PLAIN[language])
    facts = _facts(rng)
    kind: Form = "number" if form == "number" else "text"
    gold = Gold(kind, (facts[right],), direct=str(facts[right]), wrong=str(facts[wrong]))
    return _close(text.format(**facts), form, language), gold


def beyond(rng: random.Random, language: str) -> tuple[str, Gold]:
    """A task that no tool can do; an erring model calls something all the same (`wrong` is empty)."""
    phrase, form = rng.choice(BEYOND[language])
    body = rng.choice(ASKS[language]).format(phrase.format(**_facts(rng)))
    return _close(body, form, language), Gold("text", (UNSOLVABLE,), direct=UNSOLVABLE)


WITHOUT: Mapping[str, Callable[[random.Random, str], tuple[str, Gold]]] = {"none": plain, "unsolvable": beyond}
"""Kinds of task without a gold call."""
