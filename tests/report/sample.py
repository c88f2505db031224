"""Result documents as `compare` writes them, made from simulated runs and the project's own statistics."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from scrimp.core.events import COMPONENTS
from scrimp.core.ledger import TERMS, Cell, Ledger
from scrimp.core.money import Money
from scrimp.core.usage import Usage
from scrimp.evaluate import statistics as st
from scrimp.evaluate.pareto import Point, frontier, hypervolume
from scrimp.evaluate.words import says

PRICES = "reference:shipped list, 2026-01-15"
SHARES = {
    "components": dict(zip(COMPONENTS, (0.15, 0.25, 0.3, 0.0, 0.3), strict=True)),
    "terms": dict(zip(TERMS, (0.7, 0.1, 0.15, 0.05), strict=True)),
}


def ledger(total: Decimal, tokens: Usage, runs: int) -> Ledger:
    """A ledger whose partitions are exact: the last cell takes what rounding leaves."""
    partitions = {}
    for what, shares in SHARES.items():
        cells: dict[str, Cell] = {}
        left, left_in, left_out = total, tokens.input, tokens.output
        for name, share in list(shares.items())[:-1]:
            cost = (total * Decimal(str(share))).quantize(Decimal("0.000001"))
            used = Usage(input=int(tokens.input * share), output=int(tokens.output * share))
            cells[name] = Cell(Money.priced(cost, PRICES), used, int(runs * share * 4), 1000 * runs)
            left, left_in, left_out = left - cost, left_in - used.input, left_out - used.output
        rest = Usage(left_in, tokens.cached_input, tokens.cache_write, left_out, tokens.reasoning)
        cells[list(shares)[-1]] = Cell(Money.priced(left, PRICES), rest, runs, 2000 * runs)
        partitions[what] = cells
    whole = Cell(Money.priced(total, PRICES), tokens, 4 * runs, 6000 * runs)
    return Ledger(whole, partitions["components"], partitions["terms"], wall_seconds=3.5 * runs, events=9 * runs)


def document(
    names: dict[str, tuple[float, float]] | None = None, n: int = 200, seed: int = 0, controls: bool = False
) -> dict[str, Any]:
    """A document of systems with (success, cost factor) over `n` simulated tasks."""
    names = names or {
        "baseline-2026-01": (0.82, 1.0),
        "efficient-2026-01": (0.83, 0.31),
        "rewoo": (0.78, 0.42),
        "mem0 + rewoo": (0.79, 0.45),
        "self-consistency": (0.86, 3.9),
        "规划器（中文名）": (0.55, 0.12),
    }
    rng = np.random.default_rng(seed)
    hard, size = rng.random(n), rng.lognormal(-6, 0.5, n)
    outcomes = {k: ((hard * 0.8 + 0.2 * rng.random(n)) < p).astype(float) for k, (p, _) in names.items()}
    costs = {k: f * size * rng.lognormal(0, 0.3, n) for k, (_, f) in names.items()}
    points = [Point(k, float(costs[k].mean()), float(outcomes[k].mean())) for k in names]
    best = {p.name for p in frontier(points)}
    systems = []
    for name in names:
        total = Decimal(repr(float(costs[name].sum()))).quantize(Decimal("0.000001"))
        tokens = Usage(int(4e5 * names[name][1] * n), int(9e4 * n), 0, int(2e4 * names[name][1] * n), int(3e3 * n))
        cost = Money.priced(total, PRICES).to_json()
        cost |= {k: v for k, v in st.mean_cost(costs[name].tolist()).to_json().items() if k != "n"}
        systems.append(
            {
                "name": name,
                "n": n,
                "runs": n,
                "effectiveness": st.success_rate(outcomes[name].tolist()).to_json(),
                "cost": cost,
                "cost_of_pass": st.cost_of_pass(costs[name].tolist(), outcomes[name].tolist()),
                "latency": st.latency((costs[name] * 900).tolist()),
                "ledger": ledger(total, tokens, n).to_json(),
                "on_frontier": name in best,
            }
        )
    first = next(iter(names))
    pairs = []
    for name in list(names)[1:]:
        success = st.non_inferior(outcomes[first].tolist(), outcomes[name].tolist())
        ratio = st.log_cost_ratio(costs[first].tolist(), costs[name].tolist())
        said = says(first, name, success, ratio, controls_run=controls)
        pairs.append(
            {
                "a": first,
                "b": name,
                "success_difference": success.difference.to_json(),
                "cost_ratio": ratio.to_json(),
                "says": said.text,
            }
        )
    return {
        "experiment": "toolworld-1",
        "bench": "toolworld",
        "model": "local",
        "n": n,
        "systems": systems,
        "pairs": pairs,
        "hypervolume": hypervolume(points, 0.02).to_json(),
        "forecast": {"usd": "4.10", "seconds": 1200},
        "report": None,
        "prices": PRICES,
        "controls": "next cheaper model, lower effort, self-consistency" if controls else "not run",
        "notes": ["A demonstration, not evidence."],
        "command": "scrimp compare --systems baseline,efficient --bench toolworld --model local --n 200",
        "date": "2026-01-20",
        "seeds": [1],
        "margin": 0.03,
    }
