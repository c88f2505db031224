"""`tune`: race the Systems of a space on tasks for the search, and confirm what is found on tasks that it never saw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError
from scrimp.core.events import ulid
from scrimp.core.system import System
from scrimp.core.task import Task
from scrimp.evaluate import statistics
from scrimp.evaluate import trial as measured
from scrimp.evaluate.conduct import Conduct, Watch
from scrimp.evaluate.experiment import Experiment, Plan, choose, open_executor, plan
from scrimp.evaluate.folder import Folder
from scrimp.evaluate.pareto import Point, frontier
from scrimp.evaluate.trial import Trial
from scrimp.evaluate.tune.proposals import propose
from scrimp.evaluate.tune.race import FIRST, Goal, Race, race
from scrimp.evaluate.tune.space import Space
from scrimp.journal.home import home
from scrimp.journal.journal import Journal

MOST_AT_ONCE = 64
"""Systems that a race takes whole; a larger space is searched by proposals."""
ROUNDS = 8
"""Batches of proposals."""
SUCCESS_WITHIN, COST_WITHIN = 0.05, 0.10
"""How far search and confirmation may differ and still agree (EVIDENCE rule 13)."""


@dataclass(frozen=True)
class Search:
    """What is searched, for what, at what expense.

    Attributes:
        spend: limits of everything that the search and its confirmation may use.
        n: tasks of the search at most, and as many for the confirmation; all where None.
        searcher: `race` (every System of the space) or `optuna`; by the size of the space where empty.
    """

    space: Space
    bench: str
    goal: Goal
    spend: Budget
    data: Path | None = None
    model: str | None = None
    prices: str | None = None
    n: int | None = None
    seed: int = 0
    searcher: str = ""
    out: Path | None = None
    workers: int = 1
    command: str = ""


async def tune(search: Search, progress: Watch | None = None) -> dict[str, Any]:
    """Search; the document that `scrimp tune --json` prints.

    Raises:
        InputError: the space, the benchmark or the goal cannot be had; nothing was spent.
    """
    search.space.check()
    systems = (replace(search.space.base, name="base"), *search.space.systems())
    made = await plan(Experiment(
        systems, search.bench, data=search.data, model=search.model, prices=search.prices, budget=search.spend,
        workers=search.workers,
    ))  # fmt: skip
    dev, held_out = split(made, search.n)
    place = search.out or home() / "experiments" / ulid()
    facts = {"tune": [system.to_json() for system in made.systems], "bench": search.bench, "goal": vars(search.goal)}
    folder = Folder.open(place, facts)
    journal = Journal(folder.journal)
    conduct = Conduct(made.benchmark, folder, journal, open_executor(made, journal), budget=search.spend,
                      workers=search.workers, progress=progress)  # fmt: skip
    run = _Run(search, made, conduct, dev, held_out)
    try:
        document = await run.all()
    finally:
        await conduct.aclose()
        journal.close()
    document |= {"folder": str(place), "stopped": conduct.stopped, "command": search.command}
    if document["best"] is not None:
        best = place / "tuned.toml"
        best.write_text(System.from_data({**document["best"]["system"], "name": "tuned"}).to_toml(), encoding="utf-8")
        document["best"]["file"] = str(best)
    folder.close(document)
    return document


def split(made: Plan, n: int | None) -> tuple[list[Task], list[Task]]:
    """Tasks to search on, and tasks to confirm on: the splits `dev` and the default one, or two halves of one.

    Raises:
        InputError: there are too few.
    """
    benchmark: Any = made.benchmark
    if "dev" in getattr(benchmark, "splits", ()):
        dev, held_out = choose(benchmark, "dev", None), choose(benchmark, None, None)
    else:
        every = choose(benchmark, None, None)
        dev, held_out = every[: len(every) // 2], every[len(every) // 2 :]
    dev, held_out = dev[:n], held_out[:n]
    if min(len(dev), len(held_out)) < FIRST:
        raise InputError(
            f"{len(dev)} tasks to search on are too few", remedy=f"{FIRST} and more, and as many to confirm"
        )
    return dev, held_out


class _Run:
    def __init__(
        self, search: Search, made: Plan, conduct: Conduct, dev: Sequence[Task], held_out: Sequence[Task]
    ) -> None:
        self.search, self.made, self.conduct, self.dev, self.held_out = search, made, conduct, dev, held_out
        self.base, self.systems = made.systems[0], {system.name: system for system in made.systems[1:]}
        self.dev_ids = {task.id for task in dev}

    async def all(self) -> dict[str, Any]:
        names = list(self.systems)
        if self.search.searcher == "optuna" or (not self.search.searcher and len(names) > MOST_AT_ONCE):
            rounds = max(1, min(ROUNDS, len(names) // 8))
            names = [system.name for system in await propose(self.search.space, rounds, self._try, self.search.seed)]
        found = await race(names, len(self.dev), self.search.goal, self._runner)
        confirmed = await self._confirm(found.best) if found.best and not self.conduct.stopped else None
        return self._document(found, confirmed)

    async def _runner(
        self, names: Sequence[str], begin: int, end: int
    ) -> Mapping[str, tuple[Sequence[float], Sequence[float]]] | None:
        await self._run(names, self.dev[begin:end])
        if self.conduct.stopped:
            return None
        wanted = {task.id: place for place, task in enumerate(self.dev[begin:end])}
        return {name: self._costs([t for t in self._trials(name) if t.task in wanted], wanted) for name in names}

    async def _try(self, systems: Sequence[System]) -> Sequence[tuple[float, float] | None]:
        names = [system.name for system in systems]
        found = await self._runner(names, 0, FIRST)
        if found is None:
            return [None] * len(names)
        return [(float(np.mean(found[name][0])), float(np.mean(found[name][1]))) for name in names]

    async def _run(self, names: Sequence[str], tasks: Sequence[Task]) -> None:
        """Run what was not run before."""
        for name in names:
            done = {trial.task for trial in self._trials(name)}
            left = [task for task in tasks if task.id not in done]
            if left and not self.conduct.stopped:
                system = self.base if name == self.base.name else self.systems[name]
                await self.conduct.run([system], left)

    def _trials(self, name: str) -> list[Trial]:
        return self.conduct.tallies[name].trials if name in self.conduct.tallies else []

    def _costs(self, trials: list[Trial], order: Mapping[str, int]) -> tuple[list[float], list[float]]:
        trials = sorted(trials, key=lambda trial: order[trial.task])
        costs = measured.dollars(trials)
        if costs is None:
            raise InputError("a price is unknown, so nothing can be called cheap", remedy="give one with --prices FILE")
        return costs, measured.success(trials)

    async def _confirm(self, best: str) -> dict[str, Any] | None:
        """The winner and the base on tasks that the search never saw."""
        await self._run([best, self.base.name], self.held_out)
        if self.conduct.stopped:
            return None
        held = [t for t in self._trials(best) if t.task not in self.dev_ids]
        base = [t for t in self._trials(self.base.name) if t.task not in self.dev_ids]
        dev = [t for t in self._trials(best) if t.task in self.dev_ids]
        base, held = measured.paired(base, held)
        tasks = measured.tasks(held)
        costs = measured.dollars(base) or [], measured.dollars(held) or []
        ratio = statistics.log_cost_ratio(*costs, tasks)
        return {
            "n": len(held),
            "effectiveness": statistics.success_rate(measured.success(held), tasks).to_json(),
            "cost": statistics.mean_cost(costs[1], tasks).to_json(),
            "against_base": {
                "cost_ratio": ratio.to_json(),
                "success_difference": statistics.paired_difference(
                    measured.success(base), measured.success(held), tasks
                ).to_json(),
            },
            "agreement": agreement(dev, held),
        }

    def _document(self, found: Race, confirmed: dict[str, Any] | None) -> dict[str, Any]:
        tried = [self._row(name, found) for name in found.racers if len(found.racers[name].costs)]
        points = [Point(row["name"], row["cost"]["mean"], row["effectiveness"]["mean"]) for row in tried]
        on = {point.name for point in frontier(points)}
        best = next((row for row in tried if row["name"] == found.best), None)
        spent = self.conduct.spent
        grid = len(self.systems) * len(self.dev)
        return {
            "best": None if best is None else {**best, "confirmed": confirmed},
            "frontier": [row["name"] for row in tried if row["name"] in on],
            "tried": tried,
            "spent": {"usd": spent.to_json(), "trials": self.conduct.done},
            "evidence": {
                "space": len(self.systems), "raced": len(tried), "looks": found.looks, "tasks": found.tasks,
                "trials": found.trials, "grid_share": found.trials / grid,
                "says": self._says(found, best, confirmed, grid),
            },
        }  # fmt: skip

    def _row(self, name: str, found: Race) -> dict[str, Any]:
        racer = found.racers[name]
        return {
            "name": name,
            "system": self.systems[name].to_json(),
            "tasks": len(racer.costs),
            "looks": racer.looks,
            "effectiveness": statistics.success_rate(list(racer.success)).to_json(),
            "cost": statistics.mean_cost(list(racer.costs)).to_json(),
            "dropped": racer.dropped or None,
        }

    def _says(self, found: Race, best: Any, confirmed: dict[str, Any] | None, grid: int) -> str:
        goal = self.search.goal
        asked = f"holds {100 * goal.value:g} %" if goal.kind == "quality" else f"costs at most {goal.value:g} a run"
        share = f"{found.trials:,} trials, {found.trials / grid:.0%} of a full grid".replace("%", " %")
        if best is None:
            return f"no System of the space {asked} ({share})."
        text = f"{best['name']} is the {'cheapest' if goal.kind == 'quality' else 'best'} found that {asked} ({share})"
        if confirmed is None:
            return f"{text}; not confirmed: the budget ended first."
        rate, ratio = confirmed["effectiveness"], confirmed["against_base"]["cost_ratio"]
        span = "" if ratio["interval"] is None else f" ({ratio['interval'][0]:.2f} to {ratio['interval'][1]:.2f})"
        return (
            f"{text}; on {confirmed['n']} tasks that the search never saw it solves {100 * rate['mean']:.1f} % "
            f"({100 * rate['interval'][0]:.1f} to {100 * rate['interval'][1]:.1f} %) at {ratio['mean']:.2f}{span} of "
            f"the base's cost; search and confirmation: {confirmed['agreement']['verdict']}."
        )


def agreement(dev: Sequence[Trial], held: Sequence[Trial]) -> dict[str, Any]:
    """Whether search and confirmation agree: the 90 % interval of their difference lies inside 5 points of success and
    10 % of cost (EVIDENCE rule 13); they differ where it lies outside, and else it is inconclusive."""
    success = [np.asarray(measured.success(side)) for side in (dev, held)]
    costs = [np.asarray(measured.dollars(side) or []) for side in (dev, held)]
    freedom = min(len(dev), len(held)) - 1
    points = _welch(float(success[1].mean() - success[0].mean()), [s.var(ddof=1) / len(s) for s in success], freedom)
    errors = [c.var(ddof=1) / len(c) / c.mean() ** 2 for c in costs]
    share = _welch(math.log(costs[1].mean() / costs[0].mean()), errors, freedom)
    share = (math.exp(share[0]) - 1, math.exp(share[1]) - 1)
    sides = ((points, SUCCESS_WITHIN), (share, COST_WITHIN))
    if all(-within <= low and high <= within for (low, high), within in sides):
        verdict = "agree"
    elif any(low > within or high < -within for (low, high), within in sides):
        verdict = "differ"
    else:
        verdict = "inconclusive"
    return {"verdict": verdict, "success": list(points), "cost": list(share)}


def _welch(difference: float, variances: Sequence[float], freedom: int) -> tuple[float, float]:
    reach = statistics.student_t(0.95, freedom) * math.sqrt(sum(map(float, variances)))
    return difference - reach, difference + reach
