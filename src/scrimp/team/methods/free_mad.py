"""Free-MAD: one exchange against the current, and a score over who held what when, not a last vote (arXiv 2509.11035).

Saves the rounds in which a debate waits for consensus: each agent answers twice. An answer gains where it is held or
won over to and loses where it is given up, earlier moves weighing more, so a late slide into agreement wins nothing.

The paper was not to be read whole: weights and decay are those of published notes on it and of an independent
implementation, whose division by the number of contributors, not in the notes, is left out.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="free-mad",
    family="planner",
    title="Free-MAD",
    paper="2509.11035",
    saves="the rounds of a debate that wait for consensus",
    against="complete-debate",
    claim="8 sets, one round: 64.4 % where debate with a vote reaches 55.7 %; our aim: at most 60 % of the tokens of a "
    "debate of one round more",
    workload="boundary",
    n=100,
    margin=5.0,
    samples=True,
    verdicts={"oracle": "registered"},
    notes="The paper's teams have three or four agents; ours has as many as the baseline, so that what is saved is "
    "rounds and not agents. The paper states no ratio of tokens.",
)
