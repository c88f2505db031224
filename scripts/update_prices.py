"""Write the packaged price lists from the genai-prices table (maintainers only).

    pip install genai-prices
    python scripts/update_prices.py --label 2026-11 --as-of 2026-11-23

The hosted list takes current text and embedding models only: what is deprecated, free, or billed by picture, minute or
page is left out, and of a fixed alias and its dated names every name is kept, since providers bill by either. What it
leaves out for its age is in the retired list, since recorded runs are often of such models.
"""

from __future__ import annotations

import argparse
import copy
import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "src" / "scrimp" / "models" / "data" / "prices"

PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "google": "google", "deepseek": "deepseek",
             "mistral": "mistral"}  # fmt: skip
"""Our prefix by the table's provider. Alibaba's own list is not in the table; `qwen` is taken from a reseller."""

RESELLER, RESELLER_PREFIXES = "openrouter", ("qwen/qwen",)

UNWANTED = (
    "image", "audio", "realtime", "tts", "live", "transcribe", "voxtral", "ocr", "vision", "whisper", "computer-use",
    "search-preview", "deep-research", "gpt-oss", ":free", ":batch", ":extended", ".ft-", "-vl", "chat-latest", "veo",
    "imagen", "gemma", "lyria", "robotics", "omni",
)  # fmt: skip
OLD = (
    "gpt-3.5", "gpt-4-", "gpt-4.5", "o1-preview", "o1-mini", "davinci", "text-davinci", "text-ada", "text-curie",
    "curie", "babbage", "ada", "ft:", "chatgpt", "claude-2", "claude-v1", "claude-3-", "claude-instant", "gemini-1",
    "gemini-2.0", "gemini-pro-1", "gemini-flash-1", "gemini-nano", "open-m", "mixtral", "mistral-7b", "qwen-2", "qwen2",
)  # fmt: skip
OLD_NAMES = ("gpt-4", "gemini-pro")

REFERENCE = ("mistral", "mistral-small-2603")
TINY = ("mistral", "ministral-3b-2512")
REFERENCE_EMBEDDING = ("openai", "text-embedding-3-small")
REFERENCE_WHY = (
    "A small hosted model of open weights with a published cache rate, no premium for cache writes and no tiers. Its "
    "cached/input ratio, 0.1, is the median of the hosted list, its output/input ratio, 4, is below the median of 5. A "
    "low cache rate is the careful choice: it makes savings on repeated prompts look smaller."
)
TINY_WHY = (
    "The next cheaper hosted model of the same maker with a published cache rate. It prices the controls of "
    "comparisons whose model has no price of its own."
)

RATE_FIELDS = {"input": "input_mtok", "cached_input": "cache_read_mtok", "cache_write": "cache_write_mtok",
               "cache_write_1h": "cache_write_1h_mtok", "output": "output_mtok"}  # fmt: skip

SERVICES = {"batch": {"processing": "batch"}, "flex": {"service_tier": "flex"}}
"""Ways to be served with prices of their own, by our name."""


def amount(price: Any, prompt: int) -> Decimal | None:
    """A rate at a length of the prompt, where the table knows one."""
    if price is None or isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if tier.start < prompt]
    return reached[-1] if reached else price.base


def plain(number: Decimal) -> str:
    """A decimal without an exponent."""
    return format(number.normalize(), "f")


def rates(model: Any, day: datetime.date) -> dict[str, Any] | None:
    """Rates in force on `day`, with tiers and services; of rates that change with the hour the dearest."""
    conditions = model.prices if isinstance(model.prices, list) else None
    if conditions is None:
        candidates = [model.prices]
    else:
        dated = [item for item in conditions if not hasattr(item.constraint, "start_time")]
        hourly = [item.prices for item in conditions if hasattr(item.constraint, "start_time")]
        begun = [item for item in dated if item.constraint is None or item.constraint.start_date <= day]
        begun.sort(key=lambda item: item.constraint.start_date if item.constraint else datetime.date.min)
        candidates = [*(item.prices for item in begun[-1:]), *hourly]
    candidates = [price for price in candidates if amount(price.input_mtok, 0)]
    if not candidates:
        return None
    price = max(candidates, key=lambda candidate: amount(candidate.input_mtok, 0) or Decimal(0))
    entry = tiered(price)
    for name, when in SERVICES.items():
        variants = [item.prices for item in model.price_variants or () if item.when == when and in_force(item, day)]
        if variants:
            entry[name] = discount(entry, tiered(over(price, variants[-1])))
    return entry


def in_force(variant: Any, day: datetime.date) -> bool:
    """Whether a variant's prices hold on `day`, whatever the hour."""
    constraint = variant.constraint
    return constraint is None or (hasattr(constraint, "start_date") and constraint.start_date <= day)


def over(price: Any, variant: Any) -> Any:
    """The prices of a variant, which states only what differs."""
    whole = copy.copy(price)
    for name in RATE_FIELDS.values():
        if getattr(variant, name) is not None:
            setattr(whole, name, getattr(variant, name))
    return whole


def tiered(price: Any) -> dict[str, Any]:
    """Rates of short prompts, and those of longer ones in `tiers`."""
    starts = {
        tier.start
        for name in RATE_FIELDS.values()
        if hasattr(getattr(price, name), "tiers")
        for tier in getattr(price, name).tiers
    }
    entry: dict[str, Any] = at(price, 0)
    if starts:
        entry["tiers"] = [{"above": start, **at(price, start + 1)} for start in sorted(starts)]
    return entry


def at(price: Any, prompt: int) -> dict[str, str]:
    """Rates at a length of the prompt."""
    values = {key: amount(getattr(price, name), prompt) for key, name in RATE_FIELDS.items()}
    return {key: plain(value) for key, value in values.items() if value is not None}


def discount(usual: dict[str, Any], special: dict[str, Any]) -> str | dict[str, Any]:
    """A service's rates as the share of the usual ones that all of them are, where they are."""
    ours, theirs = flat(usual), flat(special)
    share = Decimal(special["input"]) / Decimal(usual["input"])
    alike = ours.keys() == theirs.keys() and all(ours[key] * share == theirs[key] for key in ours)
    return plain(share) if alike else special


def flat(entry: dict[str, Any], above: int = 0) -> dict[tuple[int, str], Decimal]:
    """All amounts of an entry, by tier and kind."""
    own = {(above, key): Decimal(entry[key]) for key in RATE_FIELDS if key in entry}
    for tier in entry.get("tiers", ()):
        own |= flat(tier, tier["above"])
    return own


def known_names(model: Any) -> Iterator[str]:
    """The id of a model and every other name it is billed under."""
    yield model.id
    stack = [model.match]
    while stack:
        clause = stack.pop()
        stack += getattr(clause, "or_", [])
        if hasattr(clause, "equals"):
            yield clause.equals


def current(name: str) -> bool:
    """Whether a name is one of a text or embedding model that is not of an earlier generation."""
    return name not in OLD_NAMES and not name.startswith(OLD) and wanted(name)


def wanted(name: str) -> bool:
    """Whether a name is one of a text or embedding model, whatever its age."""
    return not any(word in name for word in UNWANTED)


def foreign(provider: str, name: str) -> bool:
    """Whether a provider resells somebody else's model under this name."""
    if provider == "google":
        return "gemini" not in name
    return provider == "mistral" and name.startswith(("deepseek", "zai", "nvidia"))


def collect(day: datetime.date, *, retired: bool = False) -> dict[str, dict[str, Any]]:
    """Rates by `provider:name`: of current models, or of those that are retired or of an earlier generation."""
    from genai_prices import data  # type: ignore[import-not-found]

    models: dict[str, dict[str, Any]] = {}
    for provider in data.providers:
        reseller = provider.id == RESELLER
        if provider.id not in PROVIDERS and not reseller:
            continue
        for model in provider.models:
            if reseller and not model.id.startswith(RESELLER_PREFIXES):
                continue
            skipped = foreign(provider.id, model.id) or (model.deprecated and not retired)
            entry = None if skipped else rates(model, day)
            prefix = "qwen" if reseller else PROVIDERS[provider.id]
            for name in [model.id.partition("/")[2]] if reseller else known_names(model):
                fits = wanted(name) if retired else current(name)
                if entry is not None and fits:
                    models[f"{prefix}:{name}"] = entry
    return dict(sorted(models.items()))


def write(name: str, data: dict[str, Any]) -> None:
    """Write one list, a model a line."""
    text = json.dumps(data, indent=1, ensure_ascii=False)
    if "models" in data:
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in data["models"].items())
        text = json.dumps({**data, "models": "@"}, indent=1, ensure_ascii=False).replace('"@"', "{\n" + lines + "\n }")
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Parse the options, write the lists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label", required=True, help="year and month of the lists' names")
    parser.add_argument("--as-of", required=True, type=datetime.date.fromisoformat)
    options = parser.parse_args()
    source = f"genai-prices {version('genai-prices')} (MIT)"
    models = collect(options.as_of)
    plain_keys = ("input", "cached_input", "cache_write", "output")
    picked = [{key: models[":".join(name)][key] for key in plain_keys if key in models[":".join(name)]}
              for name in (REFERENCE, REFERENCE_EMBEDDING, TINY)]  # fmt: skip
    tiny, small, hosted = f"tiny-hosted-{options.label}", f"small-hosted-{options.label}", f"hosted-{options.label}"
    day = options.as_of.isoformat()
    reference = {
        "language": {"model": ":".join(REFERENCE), **picked[0]},
        "embedding": {"model": ":".join(REFERENCE_EMBEDDING), **picked[1]},
    }
    write(small, {"label": small, "as_of": day, "source": source, "why": REFERENCE_WHY, "reference": reference})
    cheaper = {**reference, "language": {"model": ":".join(TINY), **picked[2]}}
    write(tiny, {"label": tiny, "as_of": day, "source": source, "why": TINY_WHY, "reference": cheaper})
    note = (
        "Dollars per million tokens. A prompt longer than a tier's `above` pays that tier's rates for all its tokens; "
        "`batch` and `flex` are shares of these rates, or rates of their own; prices that change with the hour are "
        "the dearest; qwen:* are a reseller's (OpenRouter)."
    )
    write(hosted, {"label": hosted, "as_of": day, "source": source, "note": note, "reference": small, "models": models})
    retired = f"retired-{options.label}"
    old = {name: entry for name, entry in collect(options.as_of, retired=True).items() if name not in models}
    note = "Last published prices of models that the hosted list leaves out for their age, in the same form."
    write(retired, {"label": retired, "as_of": day, "source": source, "note": note, "reference": small, "models": old})


if __name__ == "__main__":
    main()
