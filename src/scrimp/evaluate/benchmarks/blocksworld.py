"""Blocksworld in five categories: plan, and do it (Jobs et al., arXiv 2512.03955; the name of its data set there).

Success: the goal holds at the end and the hand is empty; where no plan exists (category 3), the answer says so (our
reading). Plans of ours come from a search over whole moves of a block; the optimum is `min_known_steps`.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.files import Source, bad, by_id, field, one_of
from scrimp.evaluate.benchmarks.gold import Gold, Step, slip_of
from scrimp.evaluate.environments.blocksworld import Blocksworld, Goal, Impossible, Stacks, Table, tools

CONSTRAINTS = ("base", "block_size", "partial_observability")
IMPOSSIBLE = "The goal is impossible."
_NO_PLAN = re.compile(
    r"impossible|cannot be (?:reached|done)|no (?:valid )?plan|unsolvable|not possible", re.IGNORECASE
)
MOST_STATES = 30_000
"""States that one search for a gold plan looks at."""
WEIGHTS = (1.0, 3.0, 10.0)
"""How much the searches, one after the other, trust the estimate of what is left."""

ASK = (
    "Move the blocks with the tools until the goal holds; then reply done. If no plan can reach the goal, reply that "
    "it is impossible.{rule}\nGoal of scenario {name}: {goal}"
)
SIZE_RULE = " A block may lie only on a block of the same or a larger size."
VEILED = " Only the top block of each stack can be seen."


@dataclass(frozen=True)
class Item:
    """One scenario; `optimum` is 0 where no plan exists."""

    id: str
    table: Table
    description: str
    goal: Goal
    constraint: str
    category: str
    optimum: int
    plan: tuple[tuple[str, ...], ...]
    where: str

    @property
    def possible(self) -> bool:
        return self.category != "3"


class BlocksworldSet:
    """The scenarios as a Benchmark.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
    """

    name = "blocksworld"
    splits = ("test", "basic", "non_constructive", "impossible", "size_rule", "veiled")
    default_split = "test"

    def __init__(self, data: Path | str | None = None) -> None:
        self._source = Source("blocksworld", data)
        self.version = self._source.version("2512.03955")

    def tasks(self, split: str = "test") -> Iterator[Task]:
        """The scenarios of a category, or all."""
        if split not in self.splits:
            raise UnknownName("split of blocksworld", split, self.splits)
        wanted = "" if split == "test" else str(self.splits.index(split))
        return (_task(item) for item in self._items.values() if wanted in ("", item.category))

    def environment(self, task: Task) -> Blocksworld:
        """A fresh table."""
        item = self._item(task.id)
        return Blocksworld(item.table, item.goal, item.constraint == "partial_observability")

    def gold(self, task_id: str) -> Gold:
        """A plan that reaches the goal, or that there is none; for scorers and the oracle only."""
        item = self._item(task_id)
        if not item.possible:
            return Gold("text", (IMPOSSIBLE,), direct=IMPOSSIBLE, wrong="done")
        plan = _replayed(item) or _plan(item.table.stacks, tuple(item.table.sizes.items()), item.goal)
        steps = tuple(map(_step, plan))
        veiled = item.constraint == "partial_observability"
        return Gold("text", ("done",), steps, says="done", ordered=True, foreseen=int(veiled),
                    optimum=min(item.optimum, len(steps)) or len(steps))  # fmt: skip

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """Whether the goal holds, or was rightly called impossible."""
        item, state = self._item(task.id), answer.state
        if not item.possible:
            right = bool(_NO_PLAN.search(answer.text))
            return Score(float(right), right, "" if right else "no plan exists, and the answer does not say so")
        stacks = tuple(tuple(stack) for stack in state.get("stacks", ()))
        right = bool(stacks) and not state.get("held") and item.goal.holds(stacks, item.table.sizes)
        done = f"{state.get('steps', 0)} steps for {item.optimum}, {state.get('attempts', 0)} plans verified"
        return Score(float(right), right, done if right else f"the goal does not hold; {done}")

    def _item(self, task_id: str) -> Item:
        if task_id not in self._items:
            raise UnknownName("task of blocksworld", task_id)
        return self._items[task_id]

    @cached_property
    def _items(self) -> Mapping[str, Item]:
        rows = self._source.rows("scenarios", key="name")
        return by_id((_read(where, row) for where, row in rows), lambda item: item.id, lambda item: item.where)


def _task(item: Item) -> Task:
    rule = {"block_size": SIZE_RULE, "partial_observability": VEILED}.get(item.constraint, "")
    text = ASK.format(rule=rule, name=item.id, goal=item.description)
    return Task(item.id, text, tools(), environment="blocksworld", steps=max(20, 2 * item.optimum),
                labels={"category": item.category})  # fmt: skip


def _step(action: tuple[str, ...]) -> Step:
    name, *blocks = action
    keys = ("block",) if len(blocks) == 1 else ("block1", "block2")
    arguments = dict(zip(keys, blocks, strict=True))
    return Step(name, arguments, (keys[-1], slip_of(blocks[-1] + blocks[-1])))


# -- reading ------------------------------------------------------------------------------------------


def _read(where: str, row: Mapping[str, Any]) -> Item:
    initial, goal = field(where, row, "initial_state", dict), field(where, row, "goal", dict)
    meta = field(where, row, "metadata", dict)
    constraint = one_of(where, "constraint_set", row.get("constraint_set"), CONSTRAINTS)
    category = one_of(where, "metadata.category", meta.get("category"), ("1", "2", "3", "4", "5"))
    stacks, sizes = _stacks(where, "initial_state.stacks", initial.get("stacks"))
    targets, _ = _stacks(where, "goal.target_configurations", goal.get("target_configurations"))
    known = {name for stack in stacks for name in stack}
    if category != "3" and not {name for stack in targets for name in stack} <= known:
        raise bad(where, "goal.target_configurations", "names a block that is not there, and no reason is given")
    steps = meta.get("min_known_steps") or meta.get("min__known_steps") or 0
    description = field(where, goal, "description", str)
    table = Table(stacks, sizes if constraint == "block_size" else {})
    plan = tuple(_action(where, one) for one in row.get("optimal_plan") or ())
    return Item(str(row["name"]), table, description, Goal.read(description, targets), constraint, category,
                max(0, int(steps)), plan, where)  # fmt: skip


def _stacks(where: str, name: str, stacks: Any) -> tuple[Stacks, dict[str, int]]:
    if not isinstance(stacks, list) or not all(isinstance(stack, list) for stack in stacks):
        raise bad(where, name, "is no list of stacks")
    found, sizes = [], {}
    for stack in stacks:
        for block in stack:
            if isinstance(block, dict) and isinstance(block.get("name"), str) and isinstance(block.get("x_size"), int):
                sizes[block["name"]] = block["x_size"]
            elif not isinstance(block, str):
                raise bad(where, name, f"holds {block!r}, which is no block")
        found.append(tuple(block if isinstance(block, str) else block["name"] for block in stack))
    return tuple(found), sizes


def _action(where: str, one: Any) -> tuple[str, ...]:
    if not isinstance(one, dict) or "action" not in one:
        raise bad(where, "optimal_plan", "holds something that is no action")
    keys = ("block",) if "block" in one else ("block1", "block2")
    return (str(one["action"]), *(str(one.get(key, "")) for key in keys))


# -- a plan -------------------------------------------------------------------------------------------


def _replayed(item: Item) -> tuple[tuple[str, ...], ...]:
    """The official plan where it can be executed and reaches the goal; else nothing."""
    table = item.table
    try:
        for action in item.plan:
            table = table.after(*action)
    except Impossible:
        return ()
    return item.plan if item.goal.holds(table.stacks, table.sizes) else ()


@lru_cache(maxsize=256)
def _plan(stacks: Stacks, sizes: tuple[tuple[str, int], ...], goal: Goal) -> tuple[tuple[str, ...], ...]:
    """Actions that reach the goal, by ever greedier searches over whole moves.

    Raises:
        InputError: none was found among the states that may be looked at.
    """
    start = Table(stacks, dict(sizes))
    for weight in WEIGHTS:
        found = _search(start, goal, weight)
        if found is not None:
            return found
    raise InputError(f"no plan was found for {goal}", remedy="is the scenario possible?")


def _search(start: Table, goal: Goal, weight: float) -> tuple[tuple[str, ...], ...] | None:
    """Weighted A*: a move takes a top block and puts it on another or on the ground; None past MOST_STATES."""
    order = count()
    queue = [(weight * _far(start.stacks, goal), next(order), start)]
    came: dict[Stacks, tuple[Stacks, tuple[tuple[str, ...], ...]] | None] = {start.stacks: None}
    paid = {start.stacks: 0}
    while queue and len(came) < MOST_STATES:
        _, _, table = heapq.heappop(queue)
        if goal.holds(table.stacks, table.sizes):
            return _way(came, table.stacks)
        for actions, after in _moves(table):
            cost = paid[table.stacks] + 1
            if cost < paid.get(after.stacks, cost + 1):
                paid[after.stacks] = cost
                came[after.stacks] = table.stacks, actions
                heapq.heappush(queue, (cost + weight * _far(after.stacks, goal), next(order), after))
    return None


def _moves(table: Table) -> Iterator[tuple[tuple[tuple[str, ...], ...], Table]]:
    for place, stack in enumerate(table.stacks):
        if not stack:
            continue
        block = stack[-1]
        take = ("pick_up", block) if len(stack) == 1 else ("unstack", block, stack[-2])
        held = table.after(*take)
        puts = [("stack", block, other[-1]) for at, other in enumerate(table.stacks) if other and at != place]
        for put in [*puts, ("put_down", block)]:
            try:
                yield (take, put), held.after(*put)
            except Impossible:
                continue


def _far(stacks: Stacks, goal: Goal) -> float:
    """About how many moves are left: blocks of the towers to be laid, blocks on them, and blocks on those wanted."""
    left = 0.0
    above = {name: len(stack) - 1 - place for stack in stacks for place, name in enumerate(stack)}
    for tower in goal.towers or tuple(stack for stack in goal.stacks if stack):
        here = next((stack for stack in stacks if stack and stack[0] == tower[0]), ())
        built = 0
        while built < min(len(here), len(tower)) and here[built] == tower[built]:
            built += 1
        left += 1.2 * (len(tower) - built) + (len(here) - built)
        for rank, wanted in enumerate(tower[built:]):
            left += above.get(wanted, 0) * 0.8 / (1 + rank)
    return left


def _way(came: Mapping[Stacks, Any], end: Stacks) -> tuple[tuple[str, ...], ...]:
    parts: list[tuple[tuple[str, ...], ...]] = []
    at = end
    while came[at] is not None:
        at, actions = came[at]
        parts.append(actions)
    return tuple(action for actions in reversed(parts) for action in actions)
