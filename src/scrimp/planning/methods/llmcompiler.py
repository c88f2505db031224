"""LLMCompiler: a plan that runs while it is written, as a graph of calls, and a joiner (arXiv 2312.04511)."""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="llmcompiler",
    family="planner",
    title="LLMCompiler",
    paper="2312.04511",
    saves="seconds and model turns, and the tokens sent again with them",
    against="react",
    claim="1.8x to 3.7x less time and 3.37x to 6.73x lower cost than ReAct (GPT); our targets: makespan within 5 % of "
    "the critical path, 3.7x on its kind of work",
    claimed_ratio=0.297,
    workload="compound",
    n=100,
    margin=10.0,
    unit="usd",
    verdicts={"oracle": "registered"},
    notes="An oracle takes no time, so its check measures the cost; time is measured on a virtual clock.",
)
