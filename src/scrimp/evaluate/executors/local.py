"""Trials in this process: an agent per System, shared by all its trials."""

from __future__ import annotations

from typing import cast

from scrimp.agent import Agent, Result
from scrimp.core.budget import Account, Budget
from scrimp.core.protocols import Benchmark, Environment
from scrimp.core.system import System
from scrimp.evaluate.benchmarks.catalog import closed, world_of
from scrimp.evaluate.executors.job import Job, spent_in
from scrimp.evaluate.oracle import Oracle
from scrimp.evaluate.oracle_evidence import Golden
from scrimp.evaluate.oracle_retriever import oracle_memory
from scrimp.journal.journal import Journal
from scrimp.outfit import Parts, stand_in


class LocalExecutor:
    """Runs jobs in this event loop.

    Args:
        benchmark: whose gold an oracle follows.
        journal: where the runs are written down.
    """

    def __init__(self, benchmark: Benchmark, journal: Journal) -> None:
        self.benchmark, self.journal = benchmark, journal
        self._agents: dict[str, Agent] = {}

    async def run(self, job: Job, account: Account) -> Result:
        environment = world_of(self.benchmark, job.task)
        try:
            return await self._run(job, account, environment)
        finally:
            await closed(environment)

    async def _run(self, job: Job, account: Account, environment: Environment | None) -> Result:
        agent = self._agent(job.system)
        if job.begun and job.ended:
            result = await agent.replay(job.begun, environment)  # at no cost: what it was answered is in the journal
            await account.charge(spent_in(result, account.limits))
            return result
        if job.begun:
            return await agent.resume(job.begun, tools=job.task.tools, account=account, environment=environment)
        return await agent.arun(
            job.task, labels={"trial": job.place}, account=account, experiment=job.experiment, seed=job.seed,
            environment=environment,
        )  # fmt: skip

    async def aclose(self) -> None:
        for agent in self._agents.values():
            await agent.outfit.aclose()

    def _agent(self, system: System) -> Agent:
        if system.name not in self._agents:
            parts = parts_of(system, self.benchmark)
            self._agents[system.name] = Agent(
                system, budget=Budget.of(system.budget), parts=parts, journal=self.journal
            )
        return self._agents[system.name]


def parts_of(system: System, benchmark: Benchmark) -> Parts:
    """What a System's trials need that it does not name: oracles, which need the benchmark's gold, and the models that
    the benchmark itself lets play (`roles`: a simulated user).

    One oracle per System: its simulated prompt cache is cold for each, its errors are the same for all.
    """
    name, memory = stand_in(system.model), system.part("memory")
    models = {"main": Oracle.parse(name, cast("Golden", benchmark))} if name.startswith("oracle") else {}
    told = oracle_memory(benchmark) if memory is not None and memory.name == "oracle-retriever" else None
    return Parts(models=models, memory=told, roles=getattr(benchmark, "roles", {}))
