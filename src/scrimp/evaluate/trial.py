"""A trial: one run inside an experiment, scored; and what is measured of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scrimp.agent import Result
from scrimp.core.task import Score


@dataclass(frozen=True, slots=True)
class Trial:
    """One run inside an experiment, scored: what statistics need of it, and no more, since there may be many.

    Attributes:
        run: the run's id in the journal.
        dollars: None where a price is unknown.
        tokens: sent and received.
        seconds: of wall time.
        calls: through doors: models, tools, embedders, memories.
    """

    system: str
    task: str
    seed: int
    success: bool
    value: float
    status: str
    run: str
    dollars: Decimal | None
    tokens: int
    seconds: float
    calls: int
    steps: int

    @classmethod
    def of(cls, system: str, task: str, seed: int, result: Result, score: Score) -> Trial:
        """The trial that a run's result and its score make."""
        total = result.ledger.total
        return cls(
            system, task, seed, score.success, score.value, result.status, result.run, total.cost.amount,
            total.tokens.total, result.ledger.wall_seconds, total.calls, result.steps,
        )  # fmt: skip

    @property
    def place(self) -> str:
        """Where it belongs in the experiment: System, seed, task."""
        return place_of(self.system, self.seed, self.task)

    @property
    def unit(self) -> tuple[str, int]:
        """What pairs it with the trials of other Systems: task and seed."""
        return self.task, self.seed


def place_of(system: str, seed: int, task: str) -> str:
    """The name of a trial in its experiment."""
    return f"{system}/{seed}/{task}"


def written(trial: Trial, result: Result, score: Score) -> dict[str, Any]:
    """A trial's line in the experiment's folder: the run's whole outward form, and how it was scored."""
    return {
        "system": trial.system,
        "task": trial.task,
        "seed": trial.seed,
        "success": score.success,
        "value": score.value,
        "detail": score.detail,
        **result.to_json(),
    }


def read(line: Mapping[str, Any]) -> tuple[Trial, Result]:
    """A line of the folder, as the trial and the result it was written from."""
    result = Result.from_json(line)
    score = Score(line["value"], line["success"], line["detail"])
    return Trial.of(line["system"], line["task"], line["seed"], result, score), result


def paired(a: Sequence[Trial], b: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """The trials of both that have the same task and seed, in the same order."""
    common = {trial.unit for trial in a} & {trial.unit for trial in b}
    return _of(a, common), _of(b, common)


def _of(trials: Sequence[Trial], units: set[tuple[str, int]]) -> list[Trial]:
    return sorted((trial for trial in trials if trial.unit in units), key=lambda trial: trial.unit)


def tasks(trials: Sequence[Trial]) -> list[str]:
    """The task of each trial."""
    return [trial.task for trial in trials]


def success(trials: Sequence[Trial]) -> list[float]:
    """1.0 for each trial that succeeded, 0.0 for each that did not."""
    return [float(trial.success) for trial in trials]


def dollars(trials: Sequence[Trial]) -> list[float] | None:
    """Dollars per run; None where any price is unknown."""
    known = [float(trial.dollars) for trial in trials if trial.dollars is not None]
    return known if len(known) == len(trials) else None


def tokens(trials: Sequence[Trial]) -> list[float] | None:
    """Tokens per run, sent and received."""
    return [float(trial.tokens) for trial in trials]


def seconds(trials: Sequence[Trial]) -> list[float] | None:
    """Wall seconds per run."""
    return [trial.seconds for trial in trials]


def calls(trials: Sequence[Trial]) -> list[float] | None:
    """Calls through doors per run."""
    return [float(trial.calls) for trial in trials]


Measure = Callable[[Sequence[Trial]], list[float] | None]
MEASURES: Mapping[str, Measure] = {"cost": dollars, "tokens": tokens, "seconds": seconds, "calls": calls}
"""What a run is measured in, by the names that documents use."""
UNITS: Mapping[str, Measure] = {"usd": dollars, "tokens": tokens, "seconds": seconds}
"""What budgets are matched in, by their keys (EVIDENCE rule 5)."""
