"""Trials on a Ray cluster. Accounts and events go through the driver (desk.py), so a worker or a node may die.

A job whose worker dies is resumed on another: what it had committed is not sent again, what was in flight is charged
its reservation and sent again, as after any crash. Where RAY_ADDRESS names a cluster that one is used, else one is
started on this machine.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio

from scrimp.agent import Result
from scrimp.core.budget import Account
from scrimp.core.errors import MissingExtra, OutsideError
from scrimp.evaluate.executors.desk import Desk
from scrimp.evaluate.executors.job import Job
from scrimp.evaluate.executors.local import LocalExecutor
from scrimp.evaluate.executors.remote import work
from scrimp.journal.journal import Journal

if TYPE_CHECKING:
    from scrimp.evaluate.experiment import Plan

ATTEMPTS = 5
"""Workers that may die over one job before the experiment stops."""
PASSED_ON = ("SCRIMP_HOME", "SCRIMP_DATA", "SCRIMP_MODEL")
"""Environment variables that workers need as the driver has them."""


class RayExecutor:
    """Runs jobs on the workers of a cluster.

    Raises:
        MissingExtra: Ray is not installed.
    """

    def __init__(self, plan: Plan, journal: Journal) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ImportError as error:
            raise MissingExtra("--workers ray needs the package ray", remedy="pip install 'scrimp[ray]'") from error
        self._ray: Any = ray
        experiment = plan.experiment
        self._bench = (
            experiment.bench, str(experiment.data.resolve()) if experiment.data else "", experiment.options,
            plan.split,
        )  # fmt: skip
        self._plan, self._journal = plan, journal
        self._started = False
        self._desk: Desk | None = None
        self._local = LocalExecutor(plan.benchmark, journal)  # replays need no worker

    async def run(self, job: Job, account: Account) -> Result:
        if job.begun and job.ended:
            return await self._local.run(job, account)
        desk = self._start()
        begun, lost = job.begun, ""
        for _ in range(ATTEMPTS):
            address = await desk.open(account)
            try:
                good, found = await self._work.remote(
                    address, self._bench, job.system.to_json(), job.task.id, job.seed, {"trial": job.place},
                    job.experiment, begun,
                )  # fmt: skip
            except BaseException as error:  # whatever ended it, also a cancel: what the worker held is given back
                with anyio.CancelScope(shield=True):
                    begun = await desk.wind_up(address) or begun
                if not self._died(error):
                    raise
                lost = type(error).__name__
                finished = begun and self._journal.run(begun).status not in ("stopped", "running")
                if finished:  # it died between the run's end and its answer
                    return await self._replayed(job, begun, account)
                continue
            await desk.close(address)
            if not good:
                raise found
            result: Result = found
            return result
        raise OutsideError(
            f"{ATTEMPTS} workers died over trial {job.place} ({lost})",
            remedy="what was done is kept; the same command with the same --out goes on with it",
        )

    def _died(self, error: BaseException) -> bool:
        """Whether a worker or its node died; what it raised itself is a fault of ours, not of the machine."""
        failures = self._ray.exceptions
        return isinstance(error, failures.RayError) and not isinstance(error, failures.RayTaskError)

    async def _replayed(self, job: Job, run: str, account: Account) -> Result:
        return await self._local.run(replace(job, begun=run, ended=True), account)

    async def aclose(self) -> None:
        if self._desk is not None:
            await self._desk.aclose()
        await self._local.aclose()
        if self._started:
            self._ray.shutdown()

    def _start(self) -> Desk:
        if self._desk is not None:
            return self._desk
        ray = self._ray
        if not ray.is_initialized():
            where = os.environ.get("RAY_ADDRESS")
            size = {} if where else {"num_cpus": max(self._plan.experiment.workers, 1), "include_dashboard": False}
            environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
            try:
                ray.init(
                    address=where, logging_level=logging.ERROR, log_to_driver=False,
                    runtime_env={"env_vars": environment}, **size,
                )  # fmt: skip
            except (OSError, ConnectionError, RuntimeError) as error:
                raise OutsideError(f"the Ray cluster did not start: {error}") from error
            self._started = True
        self._work = ray.remote(max_retries=0, num_cpus=1)(work)
        self._desk = Desk(self._journal, ray.util.get_node_ip_address())
        return self._desk
