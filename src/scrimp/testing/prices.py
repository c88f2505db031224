"""Fixed prices, so that a cost in a test can be worked out in the head."""

from __future__ import annotations

from decimal import Decimal

from scrimp.core.money import PriceList, Rates

RATES = Rates(input=Decimal(1), output=Decimal(4), cached_input=Decimal("0.1"), cache_write=Decimal("1.25"))
"""Dollars per million tokens: 1 in, 4 out, a tenth from the cache, a quarter more into it."""

EMBEDDING_RATES = Rates(
    input=Decimal("0.02"), output=Decimal(0), cached_input=Decimal("0.02"), cache_write=Decimal("0.02")
)

PRICES = PriceList(
    label="test-prices",
    as_of="2026-01-01",
    models={"dear": Rates(Decimal(10), Decimal(40), Decimal(1), Decimal("12.5"))},
    tools={"search": Decimal("0.001")},
    reference=RATES,
    reference_embedding=EMBEDDING_RATES,
)
"""Scripted and local models at `RATES`, the model `dear` at ten times that; no other model has a price."""
