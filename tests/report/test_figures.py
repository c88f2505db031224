from decimal import Decimal

import pytest

from scrimp.report import figures
from scrimp.report.data import Amount, Value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00123456, "0.00123"),
        (0.1, "0.100"),
        (999.6, "1,000"),
        (1234567, "1,234,567"),
        (0, "0"),
        (1e-9, "0.00000000100"),
    ],
)
def test_significant(value, text):
    assert figures.significant(value) == text


def test_exact_amounts_keep_every_digit_and_unknown_is_not_zero():
    assert figures.exact(Amount(Decimal("1234.0000010"), "priced", "USD", None)) == "$1,234.000001"
    assert figures.exact(Amount(Decimal("0"), "metered", "USD", None)) == "$0"
    assert figures.exact(Amount(Decimal("100"), "metered", "EUR", None)) == "EUR 100"
    assert figures.exact(Amount(None, "unknown", "USD", Decimal("0.5"))) == "unknown (at least $0.5)"
    assert figures.exact(Amount(None, "unknown", "USD", None)) == "unknown"


def test_missing_figures_show_a_dash_and_missing_intervals_their_reason():
    assert figures.money(None) == figures.seconds(None) == figures.percent(None) == "–"
    assert figures.interval_money(Value(1.0, reason="n too small")) == "n too small"
    assert figures.interval_percent(Value(0.4, 0.35, 0.46)) == "35.0–46.0 %"
    assert figures.count(3.25) == "3.2"
    assert figures.count(1234.6) == "1,235"
