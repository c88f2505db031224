"""BTP: how often each tool may be called, planned as a knapsack before the run (arXiv 2402.15960)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="btp",
    family="planner",
    title="BTP",
    paper="2402.15960",
    saves="what tools cost, under a hard budget",
    against="react",
    needs=("embedder", "store"),
    claim="more tasks passed within the budget at a lower average cost than ReAct and DFSDT, the budget never exceeded",
    workload="toolworld",
    n=250,
    margin=5.0,
    unit="usd",
    verdicts={"oracle": "registered"},
    notes="The paper's judge of results is a trained classifier; here it is a rule. No size is claimed that we read.",
)
