"""S2-MAD: a debate in which only views that are new to an agent are told to it (arXiv 2502.04790).

Saves most of a complete debate: equal answers are not exchanged, who hears nothing new stays silent, and the debate
ends when all agree.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="s2-mad",
    family="planner",
    title="S2-MAD",
    paper="2502.04790",
    saves="most of the tokens of a debate",
    against="complete-debate",
    claim="GPT-4 on GSM8K: 2.78K tokens and 94.2 % where complete debate takes 50.4K and 93.3 %; up to 94.5 % fewer",
    workload="boundary",
    n=100,
    margin=5.0,
    claimed_ratio=0.055,
    samples=True,
    verdicts={"oracle": "registered"},
)
