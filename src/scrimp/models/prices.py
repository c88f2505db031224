"""Price lists: the packaged one, and files of the user's own.

The packaged list `hosted-2026-11` holds the published rates of hosted models on its date, made from the genai-prices
table by `scripts/update_prices.py`. Where a provider's price depends on the length of a prompt, each length has its
tier; where it depends on the hour, it is the dearer. Batch and flex rates stand beside the usual ones, and are taken
for models named `...?service=batch`. Its reference rates price the tokens of models that have no price of their own
(local, scripted, oracle); the list `small-hosted-2026-11` holds nothing but those.
"""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.money import PriceList, Rates

DEFAULT = "hosted-2026-11"
"""The list used where none is named."""

RATE_KEYS = ("input", "cached_input", "cache_write", "cache_write_1h", "output")
SERVICES = ("batch", "flex")
"""Ways to be served that may have rates of their own."""
_TOP = ("as_of", "extends", "models", "tools", "reference", "reference_embedding")


def load(source: str | Path = DEFAULT) -> PriceList:
    """A packaged list by its name, or a TOML file.

    A file has `[models."NAME"]` with `input`, `cached_input`, `cache_write` and `output` in dollars per million
    tokens as strings, `[tools."NAME"]` with `per_call`, and `as_of`. `cached_input` and `cache_write` are those of
    `input` where they are missing, `output` is nothing (embedders). `cache_write_1h` is the price of a token cached
    for an hour. `[[models."NAME".tiers]]` with `above` and the same keys holds what prompts longer than that pay, and
    `batch` and `flex` are shares of all of these (`batch = "0.5"`) or tables like them. `[reference]` and
    `[reference_embedding]` price local models; `extends = "hosted-2026-11"` lays the file over a packaged list.

    Raises:
        UnknownName: no packaged list and no file of that name.
        InputError: the file cannot be read or has a wrong field; the message names file, key and mend.
    """
    path = Path(source)
    if isinstance(source, str) and path.suffix != ".toml" and not path.is_file():
        return packaged(source)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise InputError(f"the price list {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the price list {path} is no TOML: {error}") from error
    return _from_toml(data, path)


def names() -> list[str]:
    """The packaged lists."""
    return sorted(entry.name.removesuffix(".json") for entry in _folder().iterdir() if entry.name.endswith(".json"))


@lru_cache(maxsize=8)
def packaged(name: str) -> PriceList:
    """A packaged list.

    Raises:
        UnknownName: there is none of that name.
    """
    if name not in names():
        raise UnknownName("price list", name, names(), remedy="" if names() else "give a TOML file")
    data = json.loads((_folder() / f"{name}.json").read_text(encoding="utf-8"))
    reference = _packaged_reference(data)
    return PriceList(
        label=data["label"],
        as_of=data["as_of"],
        models={model: _plain_rates(entry) for model, entry in data.get("models", {}).items()},
        reference=_plain_rates(reference["language"]),
        reference_embedding=_plain_rates(reference["embedding"]),
        reference_label=data["reference"] if isinstance(data["reference"], str) else data["label"],
    )


def _packaged_reference(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reference rates of a list, which may stand in another."""
    reference: Mapping[str, Any] | str = data["reference"]
    if isinstance(reference, str):
        reference = json.loads((_folder() / f"{reference}.json").read_text(encoding="utf-8"))["reference"]
    return reference if isinstance(reference, Mapping) else {}


def _folder() -> Any:
    return files("scrimp.models") / "data" / "prices"


def _plain_rates(entry: Mapping[str, Any]) -> Rates:
    """The rates of one model: an entry of a packaged list, or a checked one of a user's."""
    usual = replace(_one(entry), tiers=tuple(_one(tier) for tier in entry.get("tiers", ())))
    services = tuple((name, _served(usual, entry[name])) for name in SERVICES if name in entry)
    return replace(usual, services=services) if services else usual


def _one(entry: Mapping[str, Any]) -> Rates:
    """The rates at one length of the prompt."""
    first = Decimal(entry["input"])
    return Rates(
        input=first,
        output=Decimal(entry.get("output", 0)),
        cached_input=Decimal(entry["cached_input"]) if "cached_input" in entry else first,
        cache_write=Decimal(entry["cache_write"]) if "cache_write" in entry else first,
        cache_write_1h=Decimal(entry["cache_write_1h"]) if "cache_write_1h" in entry else None,
        above=int(entry.get("above", 0)),
    )


def _served(usual: Rates, entry: Mapping[str, Any] | Decimal | str) -> Rates:
    """The rates of a service: a table of its own, or a share of the usual ones."""
    if isinstance(entry, Mapping):
        return _plain_rates(entry)
    share = Decimal(entry)

    def cut(rates: Rates) -> Rates:
        hour = None if rates.cache_write_1h is None else rates.cache_write_1h * share
        return Rates(rates.input * share, rates.output * share, rates.cached_input * share, rates.cache_write * share,
                     hour, rates.above)  # fmt: skip

    return replace(cut(usual), tiers=tuple(map(cut, usual.tiers)))


def _from_toml(data: Mapping[str, Any], path: Path) -> PriceList:
    for key in data:
        if key not in _TOP:
            raise InputError(f"{path}: the key {key!r} is not known", remedy=f"known: {', '.join(_TOP)}")
    as_of = data.get("as_of", "undated")
    if not isinstance(as_of, str | datetime.date) or not str(as_of):
        raise InputError(f"{path}: as_of must be a date", remedy='write as_of = "2026-11-23"')
    base = data.get("extends")
    if base is not None and not isinstance(base, str):
        raise InputError(f"{path}: extends must be the name of a packaged list", remedy=f"known: {', '.join(names())}")
    under = packaged(base) if base else PriceList("", "")
    models = {name: _rates(entry, f'[models."{name}"]', path) for name, entry in _table(data, "models", path).items()}
    tools = {name: _per_call(entry, name, path) for name, entry in _table(data, "tools", path).items()}
    label = f"{path.stem} {as_of}" + (f" over {base}" if base else "")
    return PriceList(
        label=label,
        as_of=str(as_of),
        models={**under.models, **models},
        tools={**under.tools, **tools},
        reference=_optional(data, "reference", path) or under.reference,
        reference_embedding=_optional(data, "reference_embedding", path) or under.reference_embedding,
        reference_label=label if "reference" in data else under.reference_label,
    )


def _table(data: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: {key} must be a table", remedy=f'write [{key}."NAME"]')
    return value


def _optional(data: Mapping[str, Any], key: str, path: Path) -> Rates | None:
    return _rates(data[key], f"[{key}]", path) if key in data else None


def _rates(entry: Any, where: str, path: Path) -> Rates:
    """Checked rates of one table of the user's file."""
    return _plain_rates(_checked(entry, where, path, ("tiers", *SERVICES)))


def _checked(entry: Any, where: str, path: Path, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """The same table with every amount a decimal."""
    if not isinstance(entry, Mapping):
        raise InputError(f"{path}: {where} must be a table", remedy=f'write {where} and below it input = "0.15"')
    known = (*RATE_KEYS, *more)
    for key in entry:
        if key not in known:
            raise InputError(f"{path}: {where} has an unknown key {key!r}", remedy=f"known: {', '.join(known)}")
    if "input" not in entry:
        raise InputError(f"{path}: {where} has no input", remedy='write input = "0.15", dollars per million tokens')
    out: dict[str, Any] = {key: _amount(entry[key], key, where, path) for key in RATE_KEYS if key in entry}
    if "tiers" in entry:
        tiers = entry["tiers"]
        if not isinstance(tiers, list):
            raise InputError(f"{path}: {where} tiers must be a list of tables", remedy=f"write [{where[:-1]}.tiers]]")
        out["tiers"] = sorted((_tier(tier, where, path) for tier in tiers), key=lambda tier: tier["above"])
    for name in SERVICES:
        if name in entry:
            special = entry[name]
            own = isinstance(special, Mapping)
            out[name] = _checked(special, where, path, ("tiers",)) if own else _amount(special, name, where, path)
    return out


def _tier(entry: Any, where: str, path: Path) -> dict[str, Any]:
    """One tier: what prompts of more than `above` tokens pay."""
    above = entry.get("above") if isinstance(entry, Mapping) else None
    if isinstance(above, bool) or not isinstance(above, int) or above < 1:
        raise InputError(f"{path}: a tier of {where} has no length", remedy="write above = 200000, in prompt tokens")
    return {**_checked(entry, where, path, ("above",)), "above": above}


def _per_call(entry: Any, name: str, path: Path) -> Decimal:
    where = f'[tools."{name}"]'
    if not isinstance(entry, Mapping) or set(entry) != {"per_call"}:
        raise InputError(f"{path}: {where} must have per_call and nothing else", remedy='write per_call = "0.005"')
    return _amount(entry["per_call"], "per_call", where, path)


def _amount(value: Any, key: str, where: str, path: Path) -> Decimal:
    """Dollars of one field: a decimal string (a bare number is taken too), finite and not negative."""
    try:
        amount = None if isinstance(value, bool) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        amount = None
    if amount is None or not amount.is_finite() or amount < 0:
        raise InputError(f"{path}: {where} {key} = {value!r} is no amount", remedy=f'write {key} = "0.15", in dollars')
    return amount
