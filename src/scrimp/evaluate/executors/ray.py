"""Trials on a Ray cluster; accounts and events go through the driver (in the making)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrimp.agent import Result
from scrimp.core.budget import Account
from scrimp.core.errors import MissingExtra
from scrimp.evaluate.executors.job import Job
from scrimp.journal.journal import Journal

if TYPE_CHECKING:
    from scrimp.evaluate.experiment import Experiment


class RayExecutor:
    """Runs jobs on the workers of a cluster.

    Raises:
        MissingExtra: Ray is not installed.
    """

    def __init__(self, experiment: Experiment, journal: Journal) -> None:
        raise MissingExtra("the executor ray is not here yet", remedy="--workers local")

    async def run(self, job: Job, account: Account) -> Result:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing is open."""
