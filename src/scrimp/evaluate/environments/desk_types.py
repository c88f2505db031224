"""Arguments of the airline desk brought to their types, as tau2-bench does; Refused, or another error, where one is not
of its type. Fields that nobody knows are dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scrimp.evaluate.environments.desk_tables import Record, Refused

CABINS = ("basic_economy", "economy", "business")
KINDS = ("one_way", "round_trip")
PERSON = ("first_name", "last_name", "dob")


def booking(given: Mapping[str, Any]) -> Record:
    """A booking's arguments, each brought to its type; fields that nobody knows are dropped."""
    return {
        **{name: word(given[name]) for name in ("user_id", "origin", "destination")},
        "flight_type": word(given["flight_type"], KINDS),
        "cabin": word(given["cabin"], CABINS),
        "flights": [leg(one) for one in given["flights"]],
        "passengers": [person(one) for one in given["passengers"]],
        "payment_methods": [payment(one) for one in given["payment_methods"]],
        "total_baggages": count(given["total_baggages"]),
        "nonfree_baggages": count(given["nonfree_baggages"]),
        "insurance": word(given["insurance"], ("yes", "no")),
    }


def leg(value: Any) -> Record:
    """A flight that is asked for: number and date."""
    return {name: word(value[name]) for name in ("flight_number", "date")}


def person(value: Any) -> Record:
    """A passenger."""
    return {name: word(value[name]) for name in PERSON}


def payment(value: Any) -> Record:
    """A payment: whose amount is whole dollars."""
    return {"payment_id": word(value["payment_id"]), "amount": count(value["amount"])}


def word(value: Any, known: Sequence[str] = ()) -> str:
    """A text, one of those that are known where they are named."""
    if not isinstance(value, str) or (known and value not in known):
        raise Refused(f"{value!r} is not {'one of ' + ', '.join(known) if known else 'a text'}")
    return value


def count(value: Any) -> int:
    """A whole number, also one written as text or with nothing after its point."""
    found = float(value)
    if not found.is_integer():
        raise Refused(f"{value!r} is no whole number")
    return int(found)
