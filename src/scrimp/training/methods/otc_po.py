"""OTC-PO: a policy is rewarded for right answers times its economy of tool calls (arXiv 2504.14870).

Saves tool calls at equal success, compared with the same training on right answers alone.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="otc-po",
    family="trainer",
    title="OTC-PO (GRPO form)",
    paper="2504.14870",
    saves="tool calls at equal success",
    against="correctness-only GRPO",
    needs=("train",),
    claim="73.1 % fewer tool calls at similar accuracy (abstract of v1; 3B to 7B models, search and code)",
    claimed_ratio=0.269,
    unit="calls",
    workload="boundary",
    n=400,
    margin=3.0,
    verdicts={"oracle": "registered"},
    notes="Checked by a policy of two layers that is trained here: a test of the objective, not of language models. "
    "Registered: at least 30 % fewer calls than the same GRPO on right answers alone, 3 seeds, success non-inferior.",
)
