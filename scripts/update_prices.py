"""Write the packaged price lists from the genai-prices table (maintainers only).

    pip install genai-prices
    python scripts/update_prices.py --label 2026-11 --as-of 2026-11-23

Only current text and embedding models are taken: what is deprecated, free, or billed by picture, minute or page is
left out, and of a fixed alias and its dated names every name is kept, since providers bill by either.
"""

from __future__ import annotations

import argparse
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
REFERENCE_EMBEDDING = ("openai", "text-embedding-3-small")
REFERENCE_WHY = (
    "A small hosted model of open weights with a published cache rate, no premium for cache writes and no tiers. Its "
    "cached/input ratio, 0.1, is the median of the hosted list, its output/input ratio, 4, is below the median of 5. A "
    "low cache rate is the careful choice: it makes savings on repeated prompts look smaller."
)


def base(price: Any) -> str | None:
    """The amount of a rate, of its lowest tier where it has tiers."""
    if price is None:
        return None
    amount = price if isinstance(price, Decimal) else price.base
    return format(amount.normalize(), "f")


def rates(model: Any, day: datetime.date) -> dict[str, str] | None:
    """Rates in force on `day`; of rates that change with the hour the dearest."""
    conditions = model.prices if isinstance(model.prices, list) else None
    if conditions is None:
        candidates = [model.prices]
    else:
        dated = [item for item in conditions if not hasattr(item.constraint, "start_time")]
        hourly = [item.prices for item in conditions if hasattr(item.constraint, "start_time")]
        begun = [item for item in dated if item.constraint is None or item.constraint.start_date <= day]
        begun.sort(key=lambda item: item.constraint.start_date if item.constraint else datetime.date.min)
        candidates = [*(item.prices for item in begun[-1:]), *hourly]
    found = [entry for price in candidates if (entry := _entry(price))]
    return max(found, key=lambda entry: Decimal(entry["input"])) if found else None


def _entry(price: Any) -> dict[str, str] | None:
    values = {
        "input": base(price.input_mtok),
        "cached_input": base(price.cache_read_mtok),
        "cache_write": base(price.cache_write_mtok),
        "output": base(price.output_mtok),
    }
    if values["input"] is None or Decimal(values["input"]) == 0:
        return None
    return {key: value for key, value in values.items() if value is not None}


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
    return name not in OLD_NAMES and not name.startswith(OLD) and not any(word in name for word in UNWANTED)


def foreign(provider: str, name: str) -> bool:
    """Whether a provider resells somebody else's model under this name."""
    if provider == "google":
        return "gemini" not in name
    return provider == "mistral" and name.startswith(("deepseek", "zai", "nvidia"))


def collect(day: datetime.date) -> dict[str, dict[str, str]]:
    """Rates by `provider:name`."""
    from genai_prices import data  # type: ignore[import-not-found]

    models: dict[str, dict[str, str]] = {}
    for provider in data.providers:
        reseller = provider.id == RESELLER
        if provider.id not in PROVIDERS and not reseller:
            continue
        for model in provider.models:
            if reseller and not model.id.startswith(RESELLER_PREFIXES):
                continue
            entry = None if model.deprecated or foreign(provider.id, model.id) else rates(model, day)
            prefix = "qwen" if reseller else PROVIDERS[provider.id]
            for name in [model.id.partition("/")[2]] if reseller else known_names(model):
                if entry is not None and current(name):
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
    """Parse the options, write both lists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label", required=True, help="year and month of the lists' names")
    parser.add_argument("--as-of", required=True, type=datetime.date.fromisoformat)
    options = parser.parse_args()
    source = f"genai-prices {version('genai-prices')} (MIT)"
    models = collect(options.as_of)
    small, hosted = f"small-hosted-{options.label}", f"hosted-{options.label}"
    day = options.as_of.isoformat()
    reference = {
        "language": {"model": ":".join(REFERENCE), **models[":".join(REFERENCE)]},
        "embedding": {"model": ":".join(REFERENCE_EMBEDDING), **models[":".join(REFERENCE_EMBEDDING)]},
    }
    write(small, {"label": small, "as_of": day, "source": source, "why": REFERENCE_WHY, "reference": reference})
    note = (
        "Dollars per million tokens. Prices that rise with the length of a prompt are those of the shorter, prices "
        "that change with the hour are the dearest; qwen:* are a reseller's (OpenRouter)."
    )
    write(hosted, {"label": hosted, "as_of": day, "source": source, "note": note, "reference": small, "models": models})


if __name__ == "__main__":
    main()
