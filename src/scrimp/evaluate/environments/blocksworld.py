"""Blocksworld: stacks of blocks, one hand, and few places on the ground (Jobs et al., arXiv 2512.03955).

Our own simulator of the actions pick_up, put_down, stack, unstack, get_status and verify_plan. As in the original,
there are as many ground positions as stacks; put_down takes the leftmost free one (our reading; 16 of the 20 official
plans at hand then run as they are written, the others name a block that is not held). With the size rule a block may
lie only on one at least as large. With partial observability only the top block of each stack is seen (our reading of
the "limited view").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scrimp.core.task import Task
from scrimp.core.tool import Tool, ToolResult

Stacks = tuple[tuple[str, ...], ...]

ONE = ("pick_up", "put_down")
TWO = ("stack", "unstack")

_TOWERS = (re.compile(r"\b[A-Z](?:-[A-Z])+\b"), re.compile(r"\b[A-Z](?:, ?[A-Z])+\b"))
_ALONE = re.compile(r"(?:,|and) ([A-Z])(?: alone)?\.")
_STACK = re.compile(r"to Stack (\d+)", re.IGNORECASE)
_BLOCK: Mapping[str, Any] = {"type": "string", "description": "Name of a block."}


class Impossible(Exception):
    """An action that cannot be done here; the message says why."""


@dataclass(frozen=True)
class Goal:
    """What must hold at the end.

    Attributes:
        towers: each must be a whole stack, bottom to top; with `position` (from 0), the first at that place.
        stacks: where no tower is named: all stacks, in any order.
        by_size: only the sizes in each stack count.
    """

    towers: Stacks = ()
    position: int | None = None
    stacks: Stacks = ()
    by_size: bool = False

    @classmethod
    def read(cls, description: str, targets: Stacks) -> Goal:
        """The goal of an item: the towers its text names, else its target up to the order of the stacks."""
        dashes, commas = (pattern.findall(description) for pattern in _TOWERS)
        towers = tuple(tuple(re.findall("[A-Z]", found)) for found in dashes or commas)
        placed = _STACK.search(description)
        if placed:
            return cls(towers[:1], int(placed[1]) - 1)
        if towers:
            return cls((*towers, *((name,) for name in _ALONE.findall(description))))
        return cls(stacks=targets, by_size="one size" in description)

    def holds(self, stacks: Stacks, sizes: Mapping[str, int]) -> bool:
        """Whether stacks are as wanted."""
        if self.position is not None:
            return stacks[self.position] == self.towers[0]
        if self.towers:
            return all(tower in stacks for tower in self.towers)
        if self.by_size:
            return all(len({sizes[name] for name in stack}) <= 1 for stack in stacks)
        return sorted(stack for stack in stacks if stack) == sorted(stack for stack in self.stacks if stack)


@dataclass(frozen=True)
class Table:
    """Blocks at one moment.

    Attributes:
        stacks: bottom to top, one for each ground position.
        sizes: of the blocks, where the size rule holds; else empty.
    """

    stacks: Stacks
    sizes: Mapping[str, int] = field(default_factory=dict)
    held: str = ""

    def after(self, action: str, block: str, other: str = "") -> Table:
        """The table after an action.

        Raises:
            Impossible: it cannot be done.
        """
        if action in ("pick_up", "unstack"):
            return self._taken(action, block, other)
        if self.held != block:
            raise Impossible(f"the hand does not hold {block}")
        if action == "put_down":
            free = next((place for place, stack in enumerate(self.stacks) if not stack), None)
            if free is None:
                raise Impossible("there is no free place on the ground")
            return replace(self, stacks=_with(self.stacks, free, (block,)), held="")
        place = self._top(other)
        if self.sizes and self.sizes[block] > self.sizes[other]:
            raise Impossible(f"{block} is larger than {other} and cannot lie on it")
        return replace(self, stacks=_with(self.stacks, place, (*self.stacks[place], block)), held="")

    def _taken(self, action: str, block: str, other: str) -> Table:
        if self.held:
            raise Impossible(f"the hand holds {self.held}")
        place = self._top(block)
        stack = self.stacks[place]
        if action == "pick_up" and len(stack) > 1:
            raise Impossible(f"{block} lies on {stack[-2]}: unstack it")
        if action == "unstack" and (len(stack) < 2 or stack[-2] != other):
            raise Impossible(f"{block} does not lie on {other}")
        return replace(self, stacks=_with(self.stacks, place, stack[:-1]), held=block)

    def _top(self, block: str) -> int:
        for place, stack in enumerate(self.stacks):
            if stack and stack[-1] == block:
                return place
        known = any(block in stack for stack in self.stacks)
        raise Impossible(f"{block} is not on top of its stack" if known else f"there is no block {block} on the table")


@dataclass
class Blocksworld:
    """One table as an Environment. `veiled`: only the top block of each stack is told."""

    start: Table
    goal: Goal
    veiled: bool = False
    name: str = "blocksworld"
    table: Table = field(init=False)
    steps: int = 0
    attempts: int = 0
    errors: int = 0

    def __post_init__(self) -> None:
        self.table = self.start

    async def reset(self, task: Task) -> str:
        """The table as it is at the start."""
        self.table, self.steps, self.attempts, self.errors = self.start, 0, 0, 0
        return told(self.table, self.veiled)

    async def step(self, action: Mapping[str, Any], ctx: Any) -> ToolResult:
        """One action; what cannot be done changes nothing."""
        name, arguments = action.get("name"), action.get("arguments") or {}
        if name == "get_status":
            return ToolResult(told(self.table, self.veiled))
        if name == "verify_plan":
            return self._verified(arguments.get("plan"))
        try:
            self.table = self.table.after(*_read(name, arguments))
        except Impossible as no:
            self.errors += 1
            return ToolResult(f"error: {no}", "error")
        self.steps += 1
        return ToolResult("done" if self.veiled else f"done. {told(self.table, False)}")

    async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
        """The same step again; nothing here hangs on chance."""
        await self.step(action, None)

    async def clone(self) -> Blocksworld:
        """Another table in the same state."""
        twin = replace(self)
        twin.table, twin.steps, twin.attempts, twin.errors = self.table, self.steps, self.attempts, self.errors
        return twin

    def state(self) -> Mapping[str, Any]:
        """Stacks, what is held, executed steps, plans that were verified, and actions that could not be done."""
        return {
            "stacks": [list(stack) for stack in self.table.stacks], "held": self.table.held, "steps": self.steps,
            "attempts": self.attempts, "errors": self.errors,
        }  # fmt: skip

    def _verified(self, plan: Any) -> ToolResult:
        """Whether a plan could be executed from here and would reach the goal; nothing is moved."""
        self.attempts += 1
        if not isinstance(plan, list):
            return ToolResult("error: plan is a list of actions", "error")
        table = self.table
        for number, action in enumerate(plan, 1):
            try:
                if not isinstance(action, Mapping):
                    raise Impossible("it is no object")
                table = table.after(*_read(action.get("action"), action))
            except Impossible as no:
                return ToolResult(f"the plan fails at action {number}: {no}")
        reached = self.goal.holds(table.stacks, table.sizes) and not table.held
        return ToolResult("the plan is valid and reaches the goal" if reached else "the plan does not reach the goal")


def tools() -> tuple[Tool, ...]:
    """The actions as tools."""
    return (
        _tool("pick_up", "Take a block that lies on the ground and has nothing on it.", block=_BLOCK),
        _tool("put_down", "Put the block in the hand on a free place of the ground.", block=_BLOCK),
        _tool("stack", "Put the block in the hand (block1) on top of another (block2).", block1=_BLOCK, block2=_BLOCK),
        _tool("unstack", "Take a block (block1) from the top of another (block2).", block1=_BLOCK, block2=_BLOCK),
        _tool("get_status", "What is seen of the stacks and of the hand."),
        _tool(
            "verify_plan", "Whether a list of actions could be done from here and would reach the goal.",
            plan={"type": "array", "description": 'Actions like {"action": "unstack", "block1": "C", "block2": "B"}.',
                  "items": {"type": "object"}},
        ),
    )  # fmt: skip


def _tool(name: str, about: str, **properties: Mapping[str, Any]) -> Tool:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(name, about, schema, acts=True, source="blocksworld")


def told(table: Table, veiled: bool) -> str:
    """The stacks in words."""
    shown = []
    for place, stack in enumerate(table.stacks, 1):
        sizes = [f"{name} (size {table.sizes[name]})" if table.sizes else name for name in stack]
        if veiled and stack:
            shown.append(f"stack {place}: top block {sizes[-1]}")
        else:
            shown.append(f"stack {place}: {', '.join(sizes) or 'empty'}")
    head = "Stacks, top blocks only: " if veiled else "Stacks from bottom to top: "
    return f"{head}{'; '.join(shown)}. The hand {'holds ' + table.held if table.held else 'is empty'}."


def _read(name: Any, arguments: Mapping[str, Any]) -> Sequence[str]:
    keys = ("block",) if name in ONE else ("block1", "block2") if name in TWO else ()
    if not keys:
        raise Impossible(f"there is no action {name}")
    blocks = [arguments.get(key) for key in keys]
    if not all(isinstance(block, str) for block in blocks):
        raise Impossible(f"{name} needs {' and '.join(keys)}, names of blocks")
    return [str(name), *map(str, blocks)]


def _with(stacks: Stacks, place: int, stack: tuple[str, ...]) -> Stacks:
    return (*stacks[:place], stack, *stacks[place + 1 :])
