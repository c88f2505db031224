"""Which Systems of a large space race at all: proposals of a multi-objective search (Optuna's TPE or NSGA-II)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from scrimp.core.errors import MissingExtra
from scrimp.core.system import System
from scrimp.evaluate.tune.space import Space

BATCH = 8
"""Systems proposed at once, so that they meet the same tasks."""

Try = Callable[[Sequence[System]], Awaitable[Sequence[tuple[float, float] | None]]]
"""Mean cost and success of each System on a first block of tasks; None where the budget does not bear it."""


async def propose(space: Space, rounds: int, tried: Try, seed: int = 0) -> list[System]:
    """The Systems that a search tried, the promising ones more densely.

    Raises:
        MissingExtra: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtra("--searcher optuna needs the package optuna", remedy="pip install 'scrimp[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    found: dict[str, System] = {}
    for _ in range(rounds):
        asked = [study.ask() for _ in range(BATCH)]
        systems = [space.at(_choice(trial, space)) for trial in asked]
        fresh = {system.name: system for system in systems if system.name not in found}
        results = await tried(list(fresh.values())) if fresh else []
        known = dict(zip(fresh, results, strict=True))
        for trial, system in zip(asked, systems, strict=True):
            result = known.get(system.name)
            if result is None:  # proposed before, or not borne by the budget
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, result)
        found |= fresh
        if any(result is None for result in results):
            break
    return list(found.values())


def _choice(trial: Any, space: Space) -> tuple[tuple[str, Any], ...]:
    """One value per axis; values are passed as text, since a search knows only plain ones."""
    chosen = []
    for key, values in space.axes.items():
        texts = {json.dumps(value, sort_keys=True, default=list): value for value in values}
        chosen.append((key, texts[trial.suggest_categorical(key, list(texts))]))
    return tuple(chosen)
