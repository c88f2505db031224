"""The one table of metrics: name, definition, unit, source. docs/metrics.md is written from it.

`measure` computes those that the runs of one System allow; figures between Systems (frontier, hypervolume, areas)
stand in the document of a comparison itself.
"""

from __future__ import annotations

import statistics as plain
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scrimp.evaluate import statistics
from scrimp.evaluate.metrics import calls, money, paths, reliability, steps
from scrimp.evaluate.metrics.facts import RunFacts

Runs = Sequence[RunFacts]
Found = Mapping[str, Any] | float | None


@dataclass(frozen=True)
class Metric:
    """One metric. `of` computes it from the runs of a System; None where the document of a comparison states it in a
    place of its own, which `where` names."""

    name: str
    definition: str
    unit: str
    better: str
    source: str
    of: Callable[[Runs], Found] | None = None
    where: str = ""
    kind: str = ""


def measure(runs: Runs) -> dict[str, dict[str, Any]]:
    """Every metric that these runs allow, by name: value, unit, kind, and interval or reason where there is one."""
    out: dict[str, dict[str, Any]] = {}
    for metric in METRICS:
        found = metric.of(runs) if metric.of is not None and runs else None
        if found is None:
            continue
        told = dict(found) if isinstance(found, Mapping) else {"value": found}
        out[metric.name] = {**told, "unit": metric.unit, **({"kind": metric.kind} if metric.kind else {})}
    return out


def markdown() -> str:
    """The table as a page."""
    lines = ["| metric | definition | unit | better | source | where |", "|" + " --- |" * 6]
    for one in METRICS:
        name = f"`{one.name}`" + (f" ({one.kind})" if one.kind else "")
        where = one.where or "`systems[].metrics`"
        lines.append(f"| {name} | {one.definition} | {one.unit} | {one.better} | {one.source} | {where} |")
    return "\n".join(lines) + "\n"


def _costs(runs: Runs) -> list[float] | None:
    known = [run.cost for run in runs if run.cost is not None]
    return known if len(known) == len(runs) else None


def _success(runs: Runs) -> list[float]:
    return [run.success for run in runs]


def _repeats(runs: Runs, value: Callable[[RunFacts], float | None]) -> dict[str, list[float]]:
    out: dict[str, list[float]] = {}
    for run in runs:
        found = value(run)
        if found is not None:
            out.setdefault(run.task, []).append(found)
    return out


def _several(runs: Runs) -> bool:
    return len({run.task for run in runs}) < len(runs)


def _per_task(runs: Runs) -> Found:
    if _costs(runs) is None or not _several(runs):
        return None
    outcomes: dict[str, list[tuple[float, float]]] = {}
    for run in runs:
        outcomes.setdefault(run.task, []).append((run.cost or 0.0, run.success))
    value, never, reason = money.per_task(outcomes)
    return {"value": value, "never_solved": never} | ({"reason": reason} if reason else {})


def _pooled(runs: Runs) -> Found:
    costs = _costs(runs)
    if costs is None:
        return None
    found = statistics.cost_of_pass(costs, _success(runs), [run.task for run in runs])
    return {"value": found.pop("mean"), **{key: value for key, value in found.items() if key != "kind"}}


def _known(runs: Runs) -> list[RunFacts]:
    return [run for run in runs if run.best_path is not None]


def _deviation(runs: Runs) -> Found:
    own = _known(runs)
    return paths.mean_deviation([r.path for r in own], [r.best_path or () for r in own], _success(own))


def _quantile(share: float) -> Callable[[Runs], Found]:
    return lambda runs: float(np.quantile([run.seconds for run in runs], share))


def _mean(value: Callable[[RunFacts], float | None]) -> Callable[[Runs], Found]:
    def of(runs: Runs) -> Found:
        known = [found for run in runs if (found := value(run)) is not None]
        return plain.fmean(known) if len(known) == len(runs) and known else None

    return of


def _each(value: Callable[[RunFacts], Sequence[float]]) -> Callable[[Runs], Found]:
    def of(runs: Runs) -> Found:
        known = [seconds for run in runs for seconds in value(run)]
        return plain.fmean(known) if known else None

    return of


def _steps(of: Callable[..., float | None], optimum: bool = False) -> Callable[[Runs], Found]:
    def found(runs: Runs) -> Found:
        own = [run for run in runs if run.optimum] if optimum else runs
        taken = [len(run.calls) if optimum else run.steps for run in own]
        more = [[run.optimum for run in own]] if optimum else []
        return of(taken, _success(own), *more) if own else None

    return found


def _success_rate(runs: Runs) -> Found:
    found = statistics.success_rate(_success(runs), [run.task for run in runs])
    return {"value": found.mean, "interval": None if found.interval is None else list(found.interval)}


COUNTERS, EVO, COSTBENCH = "counter", "Evo-Memory", "CostBench"
PASS = "Erol et al. 2025, arXiv 2504.13359"
METRICS: tuple[Metric, ...] = (
    Metric("success_rate", "successes over runs, seeds of a task averaged first", "share", "higher", "usual",
           _success_rate),
    Metric("mean_cost", "mean cost of a run, failures included", "USD", "lower", "usual", _mean(lambda r: r.cost)),
    Metric("median_cost", "median cost of a run, failures included", "USD", "lower", "usual",
           lambda runs: None if (c := _costs(runs)) is None else plain.median(c)),
    Metric("tokens", "mean tokens of a run, sent and received", "tokens", "lower", COUNTERS,
           _mean(lambda r: float(r.tokens))),
    Metric("model_calls", "mean model calls of a run", "calls", "lower", "MemoryOS, LightMem",
           _mean(lambda r: float(r.model_calls))),
    Metric("tool_calls", "mean tool calls of a run", "calls", "lower", COUNTERS, _mean(lambda r: float(len(r.calls)))),
    Metric("tool_rounds", "mean turns of a run that made at least one tool call", "turns", "lower", "TPS-Bench",
           _mean(lambda r: float(r.rounds))),
    Metric("parallelism", "tool calls over turns that made any", "calls a turn", "higher", "TPS-Bench",
           calls.parallelism),
    Metric("invalid_tool_use", "calls that returned an error or named no tool, over all calls", "share", "lower",
           "usual", calls.invalid),
    Metric("redundancy", "calls that repeat an earlier one of the run with equal arguments, over all calls", "share",
           "lower", "ours", calls.redundancy),
    Metric("cost_of_pass", "total cost over total success: what a correct answer costs", "USD", "lower", PASS, _pooled,
           kind="pooled"),
    Metric("cost_of_pass_per_task", "mean over tasks of each one's own cost over its own success", "USD", "lower", PASS,
           _per_task, kind="per task, at least ten repeats of each"),
    Metric("tokens_per_correct_answer", "total tokens over successes", "tokens", "lower", "TPS-Bench",
           lambda runs: money.pooled([float(r.tokens) for r in runs], _success(runs)), kind="pooled"),
    Metric("steps_solved", "mean steps to the goal", "steps", "lower", EVO, _steps(steps.of_solved),
           kind="solved runs only"),
    Metric("steps_all", "mean steps, a failure counted at the most steps of any run", "steps", "lower", EVO,
           _steps(steps.of_all), kind="all runs"),
    Metric("steps_to_optimum", "tool calls over the fewest that do", "ratio", "lower", "Blocksworld studies",
           _steps(steps.to_optimum, optimum=True), kind="solved runs whose optimum is known"),
    Metric("spl", "mean of success times fewest tool calls over the larger of taken and fewest", "0 to 1", "higher",
           "Anderson et al. 2018, arXiv 1807.06757", _steps(steps.spl, optimum=True),
           kind="runs whose optimum is known"),
    Metric("path_deviation", "edit distance to the best path of tools over the longer one's length, a failure 1",
           "0 to 1", "lower", COSTBENCH, _deviation),
    Metric("exact_path", "runs that took exactly the best path of tools, over all", "share", "higher", COSTBENCH,
           lambda runs: paths.exact([r.path for r in _known(runs)], [r.best_path or () for r in _known(runs)])),
    Metric("latency_p50", "median wall seconds of a run, end to end without building a memory", "s", "lower", "usual",
           _quantile(0.5)),
    Metric("latency_p95", "95th percentile of the same", "s", "lower", "usual", _quantile(0.95)),
    Metric("read_time", "mean seconds of one recall", "s", "lower", "MemBench", _each(lambda r: r.reads)),
    Metric("write_time", "mean seconds of one write to memory", "s", "lower", "MemBench", _each(lambda r: r.writes)),
    Metric("pass^2", "the chance that two repeats of a task both succeed", "share", "higher", "tau-bench",
           lambda runs: reliability.pass_hat(_repeats(runs, lambda r: r.success), 2) if _several(runs) else None),
    Metric("pass@2", "the chance that one of two repeats of a task succeeds", "share", "higher",
           "Chen et al. 2021, arXiv 2107.03374",
           lambda runs: reliability.pass_at(_repeats(runs, lambda r: r.success), 2) if _several(runs) else None),
    Metric("resource_consistency", "1 / (1 + coefficient of variation of cost over repeats of a task)", "0 to 1",
           "higher", "HAL reliability code",
           lambda runs: reliability.consistency(_repeats(runs, lambda r: r.cost)) if _several(runs) else None),
    Metric("frontier_cost_of_pass", "per task the least cost-of-pass of any System (or an expert's price), mean over "
           "tasks", "USD", "lower", PASS, where="`metrics.money.frontier`", kind="counterfactual gain: `gain`"),
    Metric("cost_gap", "cost over the least possible, less 1, mean over runs that reach the goal", "ratio", "lower",
           COSTBENCH, where="`metrics.money.cost_gap`, `cost_score`"),
    Metric("amortised_memory_cost", "construction over questions, plus reading, plus answering", "USD a question",
           "lower", "ours", where="`metrics.money.amortised`"),
    Metric("resource_efficiency", "tokens between the most and the fewest of the compared Systems", "0 to 1", "higher",
           "MCP-RADAR", where="`metrics.relative.resource_efficiency`", kind="within one comparison only"),
    Metric("effectiveness_at_budget", "share of tasks solved at a cost of at most B; a run stopped at B fails", "share",
           "higher", "the survey, arXiv 2601.14192", where="`curves`, `levels`, `at_cost`"),
    Metric("budget_at_quality", "the smallest B whose effectiveness reaches q", "USD", "lower", "the survey",
           where="`curves.budget_at`, `at_quality`"),
    Metric("area_under_effectiveness", "area under effectiveness at budget, cost on a logarithmic axis, fixed bounds",
           "0 to 1", "higher", "ours", where="`curves`"),
    Metric("frontier", "Systems that no other dominates in mean cost and success, and how surely", "yes or no, share",
           "-", "the survey", where="`systems[].on_frontier`, `frontier_probability`"),
    Metric("hypervolume", "area that the frontier dominates up to a fixed reference cost, linear in cost",
           "USD", "higher", "Zitzler and Thiele 1999", where="`hypervolume`; each one's part: "
           "`metrics.relative.contribution`"),
    Metric("convex_hull", "what mixing Systems at random can reach", "points", "-",
           "Kapoor et al. 2024, arXiv 2407.01502", where="`metrics.relative.hull`"),
)  # fmt: skip
