"""One tree for every search: nodes are proposed by a Space, taken from the budget, and made.

A Space says what could come next and how promising a node is; the orders of expansion (frontier.py, uct.py) know
nothing of tools or models. Every search ends with the best it has: solved, at its limit of expansions, with nothing
left to expand, or when the budget refuses something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from scrimp.core.errors import BudgetExceeded

if TYPE_CHECKING:
    from scrimp.core.context import Context

Stopped = Literal["solved", "limit", "empty", "budget"]


@dataclass(frozen=True)
class Proposal:
    """A step that could come next.

    Attributes:
        share: of the samples drawn, from 0 to 1, those that proposed it.
        left: steps that are imagined to follow it until the plan is whole.
        final: it ends the plan.
    """

    step: Any
    share: float = 1.0
    left: float = 0.0
    final: bool = False


@dataclass(eq=False)
class Node:
    """A partial plan: the steps from the root to here.

    Attributes:
        proposal: the step that led here; None at the root.
        seen: what doing the step gave; None until it is done.
        children: None until it is expanded.
        worth: how good its finished plan was rated, 0 to 1; None where it was not.
        visits, total: of tree searches that count: how often it was passed, and the sum of what that was worth.
    """

    proposal: Proposal | None = None
    parent: Node | None = None
    seen: Any = None
    children: list[Node] | None = None
    worth: float | None = None
    visits: int = 0
    total: float = 0.0
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        self.depth = 0 if self.parent is None else self.parent.depth + 1

    @property
    def final(self) -> bool:
        """Whether it ends a plan."""
        return self.proposal is not None and self.proposal.final

    def path(self) -> list[Node]:
        """The nodes after the root, down to this one."""
        return [] if self.parent is None else [*self.parent.path(), self]


class Space(Protocol):
    """What is searched."""

    async def propose(self, node: Node) -> Sequence[Proposal]:
        """The steps that could follow, each once, the likeliest first; none at a dead end."""
        ...

    async def rate(self, nodes: Sequence[Node]) -> Sequence[float]:
        """How promising the children of one node are, each from 0 to 1."""
        ...


@dataclass(frozen=True)
class Found:
    """What a search came to: its best node, and why it stopped; `refusal` is the budget's, where that was it."""

    node: Node
    stopped: Stopped
    refusal: BudgetExceeded | None = None


class Tree:
    """The nodes made so far.

    Args:
        most: expansions after which the search stops.
        deepest: steps of the longest plan; a longer one is a dead end.
    """

    def __init__(self, space: Space, ctx: Context, *, most: int, deepest: int) -> None:
        self.space, self.most, self.deepest = space, most, deepest
        self.root = Node()
        self.expansions = 0
        self._ctx = ctx

    @property
    def full(self) -> bool:
        """Whether no more may be expanded."""
        return self.expansions >= self.most

    async def expand(self, node: Node) -> list[Node]:
        """The children of a node; its Space is asked for them once.

        Raises:
            BudgetExceeded: the question or the new nodes do not fit; the node stays unexpanded.
        """
        if node.children is None:
            proposals = [] if node.final or node.depth >= self.deepest else await self._ask(node)
            if proposals:
                await self._ctx.spend(nodes=len(proposals))
            node.children = [Node(proposal, node) for proposal in proposals]
        return node.children

    async def _ask(self, node: Node) -> Sequence[Proposal]:
        self.expansions += 1
        return await self.space.propose(node)
