"""Invented tables: cities, countries, staff, products, companies, flights. Nothing in them is true anywhere.

Names are put together from syllables and figures are drawn, always from the same fixed seed, so
that the tables are the same everywhere and no model can know them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from scrimp.evaluate.benchmarks.world.entry import words

Row = Mapping[str, Any]

_STARTS = words("Vel Tor Quin Bra Os Mer Zan Kel Dro Fim Gal Hex Ilm Jor Lun Nav Pryx Rud Syl Uth Wex Yar")
_MIDDLES = words("mo ri da lu ve ka no shi bu te")
_ENDS = words("ra nth lis dan vek sol mir gar tus wyn")
_GIVEN = words("Aldo Brisa Cato Dwena Elvo Fenna Goran Hilka Ivo Jessa Kano Lirit Mako Nessa Orla Pavo")
_FAMILY = words("Abrost Belune Corvath Dinsk Ervale Fostrin Gamlet Hurvin Isker Jundal")
_GOODS = words("pump valve rotor sensor relay gasket bearing filter coupling actuator")
_MODELS = words("Arvo Besk Cirro Delph")


@dataclass(frozen=True)
class World:
    """All tables, each by name of the thing."""

    countries: Mapping[str, Row]
    cities: Mapping[str, Row]
    companies: Mapping[str, Row]
    staff: Mapping[str, Row]
    products: Mapping[str, Row]
    flights: Mapping[str, Row]
    rates: Mapping[str, Row]


def find(table: Mapping[str, Row], name: str, what: str) -> Row:
    """The row of `name`, by any case.

    Raises:
        LookupError: no such row.
    """
    row = table.get(name) or {key.casefold(): row for key, row in table.items()}.get(name.strip().casefold())
    if row is None:
        raise LookupError(f"no {what} is called {name!r}")
    return row


def made_names(rng: random.Random, count: int) -> list[str]:
    """Different names of nothing; at most some two thousand are to be had."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[rng.choice(_STARTS) + rng.choice(_MIDDLES) + rng.choice(_ENDS)] = None
    return list(found)


def made_people(rng: random.Random, count: int) -> list[str]:
    """Different full names of nobody; at most 160."""
    return rng.sample([f"{given} {family}" for given in _GIVEN for family in _FAMILY], count)


def _date(rng: random.Random, year: int, span: int) -> str:
    return (date(year, 1, 1) + timedelta(days=rng.randrange(span))).isoformat()


@lru_cache(maxsize=1)
def world() -> World:
    """The tables, made once."""
    rng = random.Random("the invented tables of the tool world, 1")
    names = made_names(rng, 74)
    lands, towns, firms = names[:12], names[12:56], [f"{name} Works" for name in names[56:]]
    codes = [f"{land[:2].upper()}{'QXZVKJ'[place % 6]}" for place, land in enumerate(lands)]
    countries = {land: {"capital": towns[place], "currency": codes[place], "largest": towns[place + 12]}
                 for place, land in enumerate(lands)}  # fmt: skip
    cities = {town: _city(rng, lands[place % 12]) for place, town in enumerate(towns)}
    companies = {
        firm: {"head": rng.choice(towns), "birth": rng.choice(towns), "employees": rng.randint(137, 9871)}
        for firm in firms
    }
    people = made_people(rng, 60)
    staff = {person: _person(rng, people, towns, person) for person in people}
    goods = [f"{model} {kind}" for model in _MODELS for kind in _GOODS]
    products = {product: _product(rng, firms) for product in goods}
    flights = {f"{rng.choice('QXZ')}{rng.choice('KVW')}{100 + 7 * place}": _flight(rng, towns) for place in range(50)}
    rates = {code: _rate(rng) for code in codes}
    return World(countries, cities, companies, staff, products, flights, rates)


def _city(rng: random.Random, land: str) -> Row:
    people = rng.randint(20_113, 900_871)
    return {"country": land, "population": people, "metro": people + rng.randint(10_117, 700_919),
            "elevation": rng.randint(3, 2871), "founded": _date(rng, 1400, 150_000)}  # fmt: skip


def _person(rng: random.Random, people: list[str], towns: list[str], person: str) -> Row:
    manager, mentor = rng.sample([other for other in people if other != person], 2)
    home, office = rng.sample(towns, 2)
    hired = date.fromisoformat(_date(rng, 2004, 5500))
    return {"manager": manager, "mentor": mentor, "home": home, "office": office,
            "salary": rng.randint(28_113, 98_877), "hired": hired.isoformat(),
            "promoted": (hired + timedelta(days=rng.randint(200, 1900))).isoformat()}  # fmt: skip


def _product(rng: random.Random, firms: list[str]) -> Row:
    net = rng.randint(101_13, 984_77) / 100
    maker, supplier = rng.sample(firms, 2)
    return {"net": net, "list": round(net * rng.uniform(1.1, 1.6), 2), "maker": maker, "supplier": supplier,
            "stock": rng.randint(113, 9877), "weight": rng.randint(1_03, 97_77) / 100}  # fmt: skip


def _flight(rng: random.Random, towns: list[str]) -> Row:
    origin, target = rng.sample(towns, 2)
    air = rng.randint(47, 613)
    return {"origin": origin, "target": target, "air": air, "block": air + rng.randint(17, 49),
            "fare": rng.randint(61_13, 899_77) / 100, "day": _date(rng, 2030, 900)}  # fmt: skip


def _rate(rng: random.Random) -> Row:
    middle = rng.randint(1_1301, 97_8799) / 10000
    return {"mid": middle, "cash": round(middle * rng.uniform(1.02, 1.08), 4)}
