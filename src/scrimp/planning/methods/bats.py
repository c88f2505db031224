"""Budget Tracker and BATS: an agent told what is left, that plans by it and begins again with the rest (2511.17006).

Saves tool calls and money at equal accuracy, and makes a larger budget useful, where plain ReAct stops early.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="bats",
    family="planner",
    title="Budget Tracker and BATS",
    paper="2511.17006",
    saves="tool calls and money at equal accuracy",
    against="react",
    claim="tracker alone: 6.8 cents at 12.8 % where ReAct takes 9.9 for 12.6 % (BrowseComp); BATS 24.6 % at its cap",
    workload="toolworld",
    n=250,
    margin=5.0,
    unit="usd",
    claimed_ratio=0.69,
    verdicts={"oracle": "registered"},
    budget_aware=True,
    notes="form='tracker' is the plug-in alone. An oracle cannot be told to be thrifty, so on it the text only costs.",
)
