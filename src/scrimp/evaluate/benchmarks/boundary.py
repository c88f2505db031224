"""The knowledge-boundary set: is a call needed, or does the model know?

Half arithmetic, half facts about invented guilds. Small sums a model does alone and large ones need
the calculator; facts marked known are those a model is taught first (`taught()` gives them as
training rows), the others stand only behind the search tool. So "needed" means needed by a model
that knows what is marked known, not by any model. The mark stands in the gold and in no Task: a gate
could read it there. Design: the shared bench of the project's notes on
tool learning (the gates of IKEA, SMART and Xu et al. are measured on it); no outside data.
"""

from __future__ import annotations

import ast
import operator
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.core.tool import Tool
from scrimp.evaluate.benchmarks.gold import Gold, Step, compare, run_steps
from scrimp.evaluate.benchmarks.world.invented import made_names, made_people
from scrimp.evaluate.benchmarks.world.strings import WORDS
from scrimp.tools.sources.python import tool

SIZES: Mapping[str, int] = {"test": 1600, "dev": 400}
"""Items per split: a quarter of each of the four sorts below, in turn."""

SORTS = (("arithmetic", "known"), ("fact", "unknown"), ("arithmetic", "unknown"), ("fact", "known"))

GUILDS = 250
CHINESE = 0.1

ATTRIBUTES: Mapping[str, tuple[str, str, str]] = {
    "founder": ("Who founded the guild of {}? Answer with the name only.", "{}行会的创立者是谁？只回答姓名。", "text"),
    "year": ("In which year was the guild of {} founded? Answer with the number only.",
             "{}行会成立于哪一年？只回答数字。", "number"),
    "seat": ("In which town does the guild of {} have its seat? Answer with the name only.",
             "{}行会的所在地是哪座城镇？只回答名称。", "text"),
    "emblem": ("What is the emblem of the guild of {}? Answer with one English word.",
               "{}行会的徽记是什么？只用一个英文单词回答。", "text"),
}  # fmt: skip
"""What is known of a guild: question in English and Chinese, form of the answer."""

SUMS = {
    "en": ("What is {}? Answer with the number only.", "Work out {}. Answer with the number only.",
           "How much is {}? Answer with the number only.", "Please compute {}. Answer with the number only."),
    "zh": ("{}等于多少？只回答数字。", "请计算{}。只回答数字。"),
}  # fmt: skip

_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip


@lru_cache(maxsize=1)
def guilds() -> Mapping[str, Mapping[str, Any]]:
    """The invented facts by guild, the same everywhere."""
    rng = random.Random("the guilds of the knowledge boundary, 1")
    names = made_names(rng, GUILDS + 60)
    people = made_people(rng, 150)
    return {
        name: {"founder": rng.choice(people), "year": rng.randint(1103, 1897), "seat": rng.choice(names[GUILDS:]),
               "emblem": rng.choice(WORDS)}
        for name in names[:GUILDS]
    }  # fmt: skip


@lru_cache(maxsize=1)
def known_facts() -> frozenset[tuple[str, str]]:
    """The half of the facts (guild, attribute) that counts as known."""
    facts = [(name, attribute) for name in guilds() for attribute in ATTRIBUTES]
    return frozenset(random.Random("what is taught, 1").sample(facts, len(facts) // 2))


def calculator(expression: str) -> float:
    """Work out an arithmetic expression, to 6 decimals.

    Args:
        expression: Numbers with + - * / and brackets, like (12.5 + 3) * 4.
    """
    if len(expression) > 200:
        raise ValueError("the expression is longer than 200 letters")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{expression!r} is no arithmetic expression") from error
    value: float = round(_evaluate(tree.body), 6)
    return value


def _evaluate(node: ast.AST) -> Any:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.left), _evaluate(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.operand))
    raise ValueError("only numbers, + - * / and brackets")


def search(guild: str, attribute: str) -> str:
    """Look up a fact about a guild.

    Args:
        guild: Name of the guild, without the word guild.
        attribute: One of founder, year, seat, emblem.
    """
    facts = guilds().get(guild.strip())
    if facts is None:
        raise LookupError(f"no guild is called {guild!r}")
    if attribute not in facts:
        raise LookupError(f"attribute is one of {', '.join(ATTRIBUTES)}")
    return str(facts[attribute])


@dataclass(frozen=True)
class _Item:
    task: Task
    gold: Gold


class Boundary:
    """The knowledge-boundary set as a Benchmark.

    Args:
        seed: which sums are drawn and in which order the facts come; 0 is the standard one.
    """

    name = "boundary"
    version = "1"
    splits = tuple(SIZES)
    default_split = "test"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        """The calculator and the search, which every task offers."""
        return (
            tool(price="0.0001", latency=0.05, pure=True, inline=True)(calculator),
            tool(price="0.005", latency=0.8, pure=True, inline=True)(search),
        )

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The items of a split, the four sorts in turn.

        Raises:
            UnknownName: no such split.
        """
        if split not in SIZES:
            raise UnknownName("split of boundary", split, SIZES)
        return (item.task for item in self._items.values() if item.task.labels["split"] == split)

    def gold(self, task_id: str) -> Gold:
        """The right answer, the call that gives it, and `needs_call`; for scorers and the oracle only."""
        if task_id not in self._items:
            raise UnknownName("task of boundary", task_id)
        return self._items[task_id].gold

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Right or wrong by the last line of the answer (rules: `gold.compare`); the detail says if a call was due."""
        gold = self.gold(task.id)
        found = compare(gold, answer.text)
        due = "a call was needed" if gold.needs_call else "no call was needed"
        return Score(found.value, found.success, f"{found.detail}; {due}" if found.detail else due)

    def taught(self) -> Iterator[tuple[str, str]]:
        """Questions and answers of everything marked known, to train a model on before it is measured."""
        for guild, attribute in sorted(known_facts()):
            yield ATTRIBUTES[attribute][0].format(guild), str(guilds()[guild][attribute])

    def check(self) -> dict[str, Any]:
        """Make every item, run its call and score the result.

        Raises:
            InputError: an item whose gold does not hold.
        """
        tools = {one.name: one for one in self.tools}
        counts = dict.fromkeys((f"{kind}-{side}" for kind, side in SORTS), 0)
        splits = dict.fromkeys(SIZES, 0)
        for item in self._items.values():
            said = run_steps(item.gold.steps, tools)[0].text
            if not compare(item.gold, said).success or (item.gold.direct and item.gold.direct != said):
                raise InputError(f"boundary: the gold of task {item.task.id} does not hold")
            counts[f"{item.gold.labels['kind']}-{item.gold.labels['boundary']}"] += 1
            splits[item.task.labels["split"]] += 1
        return {"items": len(self._items), "splits": splits, "kinds": counts, "tools": len(self.tools)}

    @cached_property
    def _items(self) -> Mapping[str, _Item]:
        rng = random.Random(f"boundary-{self.seed}")
        facts = {side: self._facts(rng, side) for side in ("known", "unknown")}
        items: dict[str, _Item] = {}
        texts: set[str] = set()
        for split, size in SIZES.items():
            numbers = dict.fromkeys(("arithmetic", "fact"), 0)
            for kind, side in (sort for _ in range(size // len(SORTS)) for sort in rng.sample(SORTS, len(SORTS))):
                language = "zh" if rng.random() < CHINESE else "en"
                text, gold = _fact(rng, *facts[side].pop(), language) if kind == "fact" else _sum(rng, side, language)
                while text in texts:
                    text, gold = _sum(rng, side, language)
                texts.add(text)
                part = "" if split == self.default_split else f"{split}-"
                name = f"boundary-{self.seed}-{part}{kind}-{numbers[kind]:04d}"
                numbers[kind] += 1
                labels = {"kind": kind, "language": language, "split": split}
                answer = "" if side == "unknown" else str(gold.answer[0])
                gold = Gold(
                    gold.form,
                    gold.answer,
                    gold.steps,
                    (0,),
                    direct=answer,
                    wrong=gold.wrong,
                    labels={**labels, "boundary": side},
                )
                items[name] = _Item(Task(name, text, self.tools, labels=labels), gold)
        return items

    @staticmethod
    def _facts(rng: random.Random, side: str) -> list[tuple[str, str]]:
        every = [(name, attribute) for name in guilds() for attribute in ATTRIBUTES]
        mine = [fact for fact in every if (fact in known_facts()) == (side == "known")]
        return rng.sample(mine, len(mine))


def _fact(rng: random.Random, guild: str, attribute: str, language: str) -> tuple[str, Gold]:
    english, chinese, form = ATTRIBUTES[attribute]
    right = guilds()[guild][attribute]
    other = rng.choice([name for name, facts in guilds().items() if facts[attribute] != right])
    step = Step("search", {"guild": guild, "attribute": attribute}, ("guild", other), form)
    text = (chinese if language == "zh" else english).format(guild)
    wrong = str(guilds()[other][attribute])
    return text, Gold("number" if form == "number" else "text", (right,), (step,), wrong=wrong)


def _sum(rng: random.Random, side: str, language: str) -> tuple[str, Gold]:
    expression, slip = (_small if side == "known" else _large)(rng)
    right = calculator(expression)
    step = Step("calculator", {"expression": expression}, ("expression", slip), "number")
    text = rng.choice(SUMS[language]).format(expression)
    return text, Gold("number", (right,), (step,), wrong=str(calculator(slip)))


def _small(rng: random.Random) -> tuple[str, str]:
    """One operation on numbers below 30, and the same with a slip."""
    sign = rng.choice("+-*")
    a, b = (rng.randint(2, 9), rng.randint(2, 9)) if sign == "*" else (rng.randint(11, 29), rng.randint(2, 29))
    return f"{a} {sign} {b}", f"{a + 1} {sign} {b}"


def _large(rng: random.Random) -> tuple[str, str]:
    """Two operations on numbers of four to six digits, and the same with a slip."""
    a, b, c = rng.randint(10_007, 999_983), rng.randint(1009, 99_991), rng.randint(1009, 9973)
    first, second = rng.choice(("+*", "-*", "*+", "*-"))
    shape = "({a} {first} {b}) {second} {c}"
    return (
        shape.format(a=a, b=b, c=c, first=first, second=second),
        shape.format(a=a, b=b + 10, c=c, first=first, second=second),
    )
