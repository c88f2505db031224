"""The confidence gate of Xu et al. (arXiv 2503.06708): call a tool only outside of what the model knows.

Its training-free form: confidence c from answers without tools, a call iff c < p_tool - alpha, as the paper's utility
u = 1[right] - alpha * 1[tool used] implies. It saves needless calls, at the price of the answers it samples.
"""

from __future__ import annotations

from scrimp.core.registry import Card

CARD = Card(
    name="confidence-gate",
    family="gate",
    title="Confidence gate (Xu et al.)",
    paper="2503.06708",
    saves="needless tool calls",
    against="react",
    provides=("Gate", "Trainer"),
    claim="37 to 50 % fewer calls at alpha 0.2 to 0.6 with comparable or better accuracy (secondary source)",
    workload="boundary",
    n=250,
    margin=3.0,
    unit="usd",
    verdicts={"oracle": "registered"},
    notes="The training-free gate: consistency, logprob or verbalised confidence, its samples on the ledger.",
)
