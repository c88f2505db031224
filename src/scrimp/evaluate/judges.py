"""What a scorer reaches: models that judge, on nobody's account."""

from __future__ import annotations

from collections.abc import Mapping

from scrimp.core.budget import Budget, LocalAccount
from scrimp.core.context import Context, Means, Run
from scrimp.core.context.passage import Place
from scrimp.core.events import ListSink, ulid
from scrimp.core.ledger import Ledger
from scrimp.core.money import PriceList
from scrimp.core.system import System
from scrimp.outfit import Outfit, Parts


class Judges:
    """Doors for a scorer. What it spends, on a judge model say, is the harness's and no agent's.

    Args:
        roles: models by the roles that the benchmark gives them; none where its rule is exact.
    """

    def __init__(self, roles: Mapping[str, str]) -> None:
        self._roles, self._run = roles, Run(ulid(), ListSink())
        self._outfit: Outfit | None = None
        self._doors: Context | None = None

    async def doors(self) -> Context:
        """A Context whose only models are the judges; they are opened when first asked for.

        Raises:
            InputError: a model of that name cannot be opened.
        """
        if self._doors is None:
            means = Means(models={}, prices=PriceList("none", ""))
            if self._roles:
                self._outfit = Outfit(System(model=next(iter(self._roles.values()))), Parts(roles=self._roles))
                means = await self._outfit.means((), 0)
            self._doors = Context(means, self._run, Place(LocalAccount(Budget()), component="harness"))
        return self._doors

    @property
    def ledger(self) -> Ledger:
        """What they cost so far, in this session."""
        return Ledger.of(self._run.events)

    async def aclose(self) -> None:
        """Close what was opened."""
        if self._outfit is not None:
            await self._outfit.aclose()
