"""Price lists: what is packaged, what users write, and what they get wrong."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.usage import Usage
from scrimp.models import prices

GOOD = """
as_of = 2026-11-01

[models."openai:gpt-4o"]
input = "2.50"
cached_input = "1.25"
output = "10"

[models.mine]
input = "0.3"

[tools."search"]
per_call = "0.005"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_packaged_list_is_dated_and_knows_hosted_models() -> None:
    table = prices.load()
    assert table.label == prices.DEFAULT
    assert table.as_of.startswith("2026-11")
    assert len(table.models) > 150
    assert {name.partition(":")[0] for name in table.models} == {
        "openai", "anthropic", "google", "deepseek", "mistral", "qwen"
    }  # fmt: skip
    rates = table.rates("openai:gpt-4o-mini")
    assert rates is not None
    assert (rates.input, rates.cached_input, rates.output) == (Decimal("0.15"), Decimal("0.075"), Decimal("0.6"))
    assert rates.cache_write == rates.input
    assert all(
        rates.input > 0 and rates.output >= 0 and rates.cached_input <= rates.input for rates in table.models.values()
    )


def test_local_tokens_have_the_reference_rates_and_say_so() -> None:
    table = prices.load()
    money = table.price("local", Usage(input=1_000_000, cached_input=1_000_000, output=1_000_000), local=True)
    assert money.amount == Decimal("0.765")
    assert money.state == "priced"
    assert str(money.prices).startswith("reference:")
    embedded = table.price("multilingual", Usage(input=1_000_000), local=True, embedding=True)
    assert embedded.amount == Decimal("0.02")
    assert table.price("http://127.0.0.1/v1#mine", Usage(input=1)).amount is None


def test_the_reference_list_alone_prices_nothing_hosted() -> None:
    table = prices.load("small-hosted-2026-11")
    assert table.label == "small-hosted-2026-11"
    assert not table.models
    assert table.reference == prices.load().reference
    assert "openai:gpt-4o" not in table.models


def test_loading_and_looking_up_are_fast() -> None:
    prices.packaged.cache_clear()
    begin = time.perf_counter()
    table = prices.load()
    loaded = time.perf_counter()
    for _ in range(100):
        table.rates("openai:gpt-4o-mini")
    assert loaded - begin < 0.3  # thirty milliseconds on a free core
    assert time.perf_counter() - loaded < 0.1


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    table = prices.load(write(tmp_path, GOOD))
    assert table.label == "mine 2026-11-01"
    assert table.as_of == "2026-11-01"
    mine = table.models["mine"]
    assert (mine.input, mine.cached_input, mine.cache_write, mine.output) == (Decimal("0.3"),) * 3 + (Decimal(0),)
    assert table.tools == {"search": Decimal("0.005")}
    assert table.reference is None
    assert prices.load(str(write(tmp_path, GOOD))) == table


def test_a_file_may_lie_over_a_packaged_list_and_price_local_models(tmp_path: Path) -> None:
    text = f'extends = "{prices.DEFAULT}"\n{GOOD}\n[reference]\ninput = "1"\noutput = "2"\n'
    table = prices.load(write(tmp_path, text))
    assert table.models["openai:gpt-4o"].input == Decimal("2.50")
    assert "anthropic:claude-haiku-4-5" in table.models
    assert table.label == f"mine 2026-11-01 over {prices.DEFAULT}"
    assert table.price("local", Usage(output=1_000_000), local=True).amount == Decimal(2)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[models.m]\ninput = "cheap"', "input = 'cheap'"),
        ('[models.m]\ninput = "-1"', "input = '-1'"),
        ('[models.m]\ninput = "NaN"', "input = 'NaN'"),
        ("[models.m]\ninput = true", "input = True"),
        ('[models.m]\noutput = "1"', "has no input"),
        ('[models.m]\ninput = "1"\nouput = "1"', "'ouput'"),
        ('[models]\nm = "1"', '[models."m"]'),
        ('models = "1"', "models must be a table"),
        ('[tools.t]\nprice = "1"', "per_call"),
        ('[tools.t]\nper_call = "x"', "per_call = 'x'"),
        ('extends = "nothing"', "nothing"),
        ("extends = 3", "extends"),
        ("as_of = 3", "as_of"),
        ("modles = 1", "'modles'"),
        ("[models", "no TOML"),
    ],
)
def test_a_wrong_field_is_one_clear_line(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        prices.load(write(tmp_path, text))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        prices.load(tmp_path / "none.toml")
    with pytest.raises(UnknownName, match="hosted-2026-11"):
        prices.load("hosted-2025-11")


TIERED = GOOD.replace(
    'input = "0.3"',
    """input = "0.3"
output = "1"
cache_write_1h = "0.6"
batch = "0.5"
flex = { input = "0.2", output = "0.9" }
[[models.mine.tiers]]
above = 200_000
input = "0.6"
output = "2"
cache_write_1h = "1.2"
""",
)


def test_long_prompts_batch_flex_and_hours_have_their_own_prices(tmp_path: Path) -> None:
    table = prices.load(write(tmp_path, TIERED))
    million = Usage(output=1_000_000)
    short, long = million + Usage(input=200_000), million + Usage(input=200_001)
    assert table.price("mine", short).amount == Decimal("1.06")
    assert table.price("mine", long).amount == Decimal("2") + Decimal("0.6") * 200_001 / 1_000_000
    assert table.price("mine?service=batch", short).amount == Decimal("0.53")
    assert table.price("mine?service=flex", short).amount == Decimal("0.94")
    assert table.price("mine?service=priority", short).state == "unknown"
    written = Usage(cache_write=1_000)
    assert table.price("mine", written).amount == Decimal("0.0003")
    assert table.price("mine?cache=1h", written).amount == Decimal("0.0006")
    assert table.price("mine?cache=off", written).amount == Decimal("0.0003")
    assert table.price("openai:gpt-4o?cache=1h", written).state == "unknown"


def test_the_packaged_tiers_and_services() -> None:
    table = prices.load()
    haiku = table.rates("anthropic:claude-haiku-5-5")
    assert haiku is not None
    assert (haiku.at(100_000).input, haiku.at(100_001).input) == (Decimal("0.1"), Decimal("0.5"))
    assert haiku.within(100_000).worst_input == Decimal("0.125")
    assert haiku.worst_input == Decimal("0.625")
    hour = table.rates("anthropic:claude-haiku-5-5?cache=1h")
    assert hour is not None
    assert (hour.cache_write, hour.at(200_000).cache_write) == (Decimal("0.2"), Decimal(1))
    batch = table.rates("openai:gpt-4.1?service=batch")
    assert batch is not None
    assert (batch.input, batch.cached_input, batch.output) == (Decimal(1), Decimal("0.5"), Decimal(4))
    rising = [rates for rates in table.models.values() if rates.tiers]
    assert len(rising) > 40
    assert all(rates.worst_output >= rates.output and rates.tiers[0].above > 0 for rates in rising)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[models.m]\ninput = "1"\ntiers = 3', "tiers must be a list"),
        ('[models.m]\ninput = "1"\n[[models.m.tiers]]\ninput = "2"', "has no length"),
        ('[models.m]\ninput = "1"\n[[models.m.tiers]]\nabove = 9', "has no input"),
        ('[models.m]\ninput = "1"\nbatch = "half"', "batch = 'half'"),
        ('[models.m]\ninput = "1"\n[models.m.flex]\noutput = "1"', "has no input"),
    ],
)
def test_a_wrong_tier_is_one_clear_line(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        prices.load(write(tmp_path, text))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
