"""What an executor is given, and what it must do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from scrimp.agent import Result
from scrimp.core.budget import Account, Amount
from scrimp.core.system import System
from scrimp.core.task import Task


@dataclass(frozen=True)
class Job:
    """One trial to be run.

    Attributes:
        system: with its model, prices and the limits of one run.
        place: its name in the experiment; the run's label `trial`.
        begun: the run that an earlier session, or a worker that died, began for it; empty where there is none.
        ended: that run ended, and is only repeated to learn what it came to.
    """

    system: System
    task: Task
    seed: int
    place: str
    experiment: str
    begun: str = ""
    ended: bool = False


class Executor(Protocol):
    """Runs jobs. All of it is charged to the experiment's account and written into its journal."""

    async def run(self, job: Job, account: Account) -> Result:
        """Run one job, or go on with it.

        Raises:
            BudgetExceeded: the account does not bear the run's budget. Nothing was spent.
            OutsideError: what runs the jobs is gone.
        """
        ...

    async def aclose(self) -> None:
        """Close what was opened."""
        ...


def spent_in(result: Result, limits: Mapping[str, Amount]) -> dict[str, Amount]:
    """What a finished run spent, by those limited keys that a ledger tells."""
    total = result.ledger.total
    spent: dict[str, Amount] = {"tokens": total.tokens.total, "steps": result.steps}
    if total.cost.amount is not None:
        spent["usd"] = total.cost.amount
    return {key: value for key, value in spent.items() if key in limits}
