"""The airline desk of tau-bench (arXiv 2406.12045) and tau2-bench (arXiv 2506.07982): flights, reservations, users.

The tools are written anew after the behaviour that the benchmarks document and that recorded runs show; the words of an
error are those of the first. `second` means as in tau2-bench: arguments are brought to their types and else refused, a
booking takes its seats, changed flights change the reservation's cabin, and a flight's status can be asked for.
As in both, changing or cancelling gives no seats back, and the tools check no policy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from scrimp.evaluate.environments import desk_tools, desk_types
from scrimp.evaluate.environments.desk_tables import Action, Record, Refused, Tables
from scrimp.evaluate.environments.desk_tools import own_method, user_details

TABLES = ("flights", "reservations", "users")
UNSET = ("status",)
"""Field that a reservation of tau2-bench shows as null until it is set."""

NOW = "2024-05-15T15:00:00"
"""When everything happens."""
NEW_RESERVATIONS = ("HATHAT", "HATHAU", "HATHAV")
NEW_CERTIFICATES = ("certificate_3221322", "certificate_3221323", "certificate_3221324")
INSURANCE, BAG = 30, 50
"""Dollars for each insured passenger and for each checked bag that is not free."""

AIRPORTS: Mapping[str, str] = {
    "SFO": "San Francisco", "JFK": "New York", "LAX": "Los Angeles", "ORD": "Chicago", "DFW": "Dallas",
    "DEN": "Denver", "SEA": "Seattle", "ATL": "Atlanta", "MIA": "Miami", "BOS": "Boston", "PHX": "Phoenix",
    "IAH": "Houston", "LAS": "Las Vegas", "MCO": "Orlando", "EWR": "Newark", "CLT": "Charlotte",
    "MSP": "Minneapolis", "DTW": "Detroit", "PHL": "Philadelphia", "LGA": "LaGuardia",
}  # fmt: skip


# -- looking --------------------------------------------------------------------------------------------


def reservation_details(tables: Tables, arguments: Mapping[str, Any]) -> Record:
    """A reservation."""
    return tables.get("reservations", arguments["reservation_id"])


def airports(tables: Tables, arguments: Mapping[str, Any], second: bool) -> Any:
    """Codes and cities of all airports."""
    return [{"iata": code, "city": city} for code, city in AIRPORTS.items()] if second else dict(AIRPORTS)


def flight_status(tables: Tables, arguments: Mapping[str, Any]) -> str:
    """Where a flight stands on a date."""
    return str(_on(tables, arguments["flight_number"], arguments["date"])[1]["status"])


def direct_flights(tables: Tables, arguments: Mapping[str, Any], second: bool) -> list[Record]:
    """Flights between two airports that can be booked for a date."""
    start, end, date = (arguments[name] for name in ("origin", "destination", "date"))
    found = (one for one in _between(tables, origin=start, destination=end) if _free(one, date))
    return [_shown(one, date, **({"date": None} if second else {})) for one in found]


def onestop_flights(tables: Tables, arguments: Mapping[str, Any], second: bool) -> list[list[Record]]:
    """Pairs of flights with one stop; the second leaves after the first arrives, the next day where that is later."""
    start, end, date = (arguments[name] for name in ("origin", "destination", "date"))
    found = []
    for one in _between(tables, origin=start):
        if not _free(one, date):
            continue
        arrival = one["scheduled_arrival_time_est"]
        # As in the official tools: all flights are in one month, whose days have no leading zero here.
        later = f"2024-05-{int(date[-2:]) + 1}" if "+1" in arrival else date
        for two in _between(tables, origin=one["destination"], destination=end):
            if two["scheduled_departure_time_est"] >= arrival and _free(two, later):
                # The first benchmark shows the seats of the second leg as they are on the first leg's date.
                seats = two if second else {**two, "dates": {later: two["dates"][date]}}
                found.append([_shown(one, date, date=date), _shown(seats, later, date=later)])
    return found


def _between(tables: Tables, **ends: Any) -> Iterator[Record]:
    for _, flight in tables.all("flights"):
        if all(flight[name] == value for name, value in ends.items()):
            yield flight


def _free(flight: Record, date: Any) -> bool:
    return date in flight["dates"] and flight["dates"][date]["status"] == "available"


def _shown(flight: Record, on: str, **more: Any) -> Record:
    """A flight on one date, as a search shows it."""
    return {**{name: value for name, value in flight.items() if name != "dates"}, **flight["dates"][on], **more}


def _on(tables: Tables, flight: Any, date: Any) -> tuple[Record, Record]:
    """A flight, and how it stands on a date.

    Raises:
        Refused: there is no such flight, or none on that date.
    """
    found = tables.find("flights", flight)
    if found is None:
        raise Refused(f"flight {flight} not found")
    if date not in found["dates"]:
        raise Refused(f"flight {flight} not found on date {date}")
    return found, found["dates"][date]


# -- changing -------------------------------------------------------------------------------------------


def book(tables: Tables, arguments: Mapping[str, Any], second: bool) -> Record:
    """Book flights for passengers; the payments must add up to the price.

    Raises:
        Refused: a flight is not to be had, or a payment not there, too small, or of the wrong sum.
    """
    user = tables.get("users", arguments["user_id"])
    new = next((one for one in NEW_RESERVATIONS if tables.find("reservations", one) is None), "")
    if not new and second:
        raise Refused("too many reservations")
    made = _booking(arguments, new or NEW_RESERVATIONS[-1], second)
    legs, people, cabin = made["flights"], len(made["passengers"]), made["cabin"]
    price = sum(_price(tables, leg, cabin, people) for leg in legs) * people
    price += INSURANCE * people if made["insurance"] == "yes" else 0
    price += BAG * arguments["nonfree_baggages"]
    _settle(tables, user, made["payment_history"], price, arguments["user_id"])
    if second:
        for leg in legs:
            tables.edit("flights", leg["flight_number"])["dates"][leg["date"]]["available_seats"][cabin] -= people
    tables.put("reservations", made["reservation_id"], made)
    tables.edit("users", arguments["user_id"])["reservations"].append(made["reservation_id"])
    return made


def _booking(arguments: Mapping[str, Any], identity: str, second: bool) -> Record:
    """The record of a booking, its flights without their prices."""
    read = desk_types.booking if second else copy.deepcopy
    given = read({name: arguments[name] for name in (
        "user_id", "origin", "destination", "flight_type", "cabin", "flights", "passengers", "payment_methods",
        "total_baggages", "nonfree_baggages", "insurance",
    )})  # fmt: skip
    made = {"reservation_id": identity, **given, "payment_history": given.pop("payment_methods"), "created_at": NOW}
    del made["payment_methods"]
    return {**made, "status": None} if second else made


def _price(tables: Tables, leg: Record, cabin: Any, people: int) -> int:
    """What a flight costs one passenger; price and ends are written into it.

    Raises:
        Refused: it is not to be had, or has not enough seats.
    """
    flight, day = _on(tables, leg["flight_number"], leg["date"])
    if day["status"] != "available":
        raise Refused(f"flight {leg['flight_number']} not available on date {leg['date']}")
    if day["available_seats"][cabin] < people:
        raise Refused(f"not enough seats on flight {leg['flight_number']}")
    price: int = day["prices"][cabin]
    leg.update(price=price, origin=flight["origin"], destination=flight["destination"])
    return price


def _settle(tables: Tables, user: Record, payments: Sequence[Record], price: int, identity: str) -> None:
    """Take payments that add up to a price off gift cards; a certificate is used up, whatever is left on it."""
    for payment in payments:
        method = user["payment_methods"].get(payment["payment_id"])
        if method is None:
            raise Refused(f"payment method {payment['payment_id']} not found")
        if method["source"] != "credit_card" and method["amount"] < payment["amount"]:
            raise Refused(f"not enough balance in payment method {payment['payment_id']}")
    paid = sum(payment["amount"] for payment in payments)
    if paid != price:
        raise Refused(f"payment amount does not add up, total price is {price}, but paid {paid}")
    for payment in payments:
        methods = tables.edit("users", identity)["payment_methods"]
        source = methods[payment["payment_id"]]["source"]
        if source == "gift_card":
            methods[payment["payment_id"]]["amount"] -= payment["amount"]
        elif source == "certificate":
            del methods[payment["payment_id"]]


def cancel(tables: Tables, arguments: Mapping[str, Any]) -> Record:
    """Cancel a whole reservation; every payment is entered once more with the other sign."""
    made = tables.edit("reservations", arguments["reservation_id"])
    made["payment_history"] += [
        {"payment_id": payment["payment_id"], "amount": -payment["amount"]} for payment in made["payment_history"]
    ]
    made["status"] = "cancelled"
    return made


def change_flights(tables: Tables, arguments: Mapping[str, Any], second: bool) -> Record:
    """Other flights or another cabin for a reservation; flights that stay keep their price."""
    made, cabin = tables.get("reservations", arguments["reservation_id"]), arguments["cabin"]
    people = len(made["passengers"])
    legs = [desk_types.leg(leg) for leg in arguments["flights"]] if second else copy.deepcopy(arguments["flights"])
    price = -sum(leg["price"] for leg in made["flights"])
    for leg in legs:
        kept = next((one for one in made["flights"] if cabin == made["cabin"] and _same(one, leg)), None)
        if kept is None:
            price += _price(tables, leg, cabin, people)
        else:
            leg.update({name: kept[name] for name in ("price", "origin", "destination")})
            price += kept["price"]
    paid = _charge(tables, made["user_id"], arguments["payment_id"], price * people, second)
    made = tables.edit("reservations", arguments["reservation_id"])
    made["flights"] = legs
    if second:
        made["cabin"] = cabin
    made["payment_history"] += paid
    return made


def _same(one: Record, other: Record) -> bool:
    return bool(one["flight_number"] == other["flight_number"] and one["date"] == other["date"])


def change_baggages(tables: Tables, arguments: Mapping[str, Any], second: bool) -> Record:
    """Other numbers of checked bags; more bags that are not free are paid, fewer give nothing back."""
    made = tables.get("reservations", arguments["reservation_id"])
    price = BAG * max(0, arguments["nonfree_baggages"] - made["nonfree_baggages"])
    paid = _charge(tables, made["user_id"], arguments["payment_id"], price, second)
    made = tables.edit("reservations", arguments["reservation_id"])
    made["total_baggages"], made["nonfree_baggages"] = arguments["total_baggages"], arguments["nonfree_baggages"]
    made["payment_history"] += paid
    return made


def _charge(tables: Tables, user: str, method: Any, price: Any, second: bool) -> list[Record]:
    """Take the price of a change off a gift card, or give a negative one back to it; what is entered as paid."""
    found = desk_tools.payment_method(tables, user, method)
    if found["source"] == "certificate":
        raise Refused("certificate cannot be used to update reservation")
    if found["source"] == "gift_card":
        if found["amount"] < price:
            raise Refused("gift card balance is not enough")
        own_method(tables, user, method)["amount"] -= price
    if price == 0:
        return []
    return [{"payment_id": method, "amount": desk_types.count(price) if second else price}]


def change_passengers(tables: Tables, arguments: Mapping[str, Any], second: bool) -> Record:
    """Other passengers, as many as before."""
    made = tables.get("reservations", arguments["reservation_id"])
    people = arguments["passengers"]
    people = [desk_types.person(one) for one in people] if second else copy.deepcopy(people)
    if len(people) != len(made["passengers"]):
        raise Refused("number of passengers does not match")
    made = tables.edit("reservations", arguments["reservation_id"])
    made["passengers"] = people
    return made


def send_certificate(tables: Tables, arguments: Mapping[str, Any], second: bool) -> str:
    """Add a certificate to a user's profile; at most three in a run."""
    identity, amount = arguments["user_id"], arguments["amount"]
    user = tables.get("users", identity)
    new = next((one for one in NEW_CERTIFICATES if one not in user["payment_methods"]), None)
    if new is None:
        raise Refused("too many certificates")
    worth = float(amount) if second else amount
    tables.edit("users", identity)["payment_methods"][new] = {"source": "certificate", "amount": worth, "id": new}
    return f"Certificate {new} added to user {identity} with amount {amount}."


def actions(second: bool = False) -> Mapping[str, Action]:
    """What every tool of the desk does, under its name; `second`: as in tau2-bench."""
    found: dict[str, Action] = {
        **desk_tools.ACTIONS,
        "get_user_details": user_details,
        "get_reservation_details": reservation_details,
        "list_all_airports": partial(airports, second=second),
        "search_direct_flight": partial(direct_flights, second=second),
        "search_onestop_flight": partial(onestop_flights, second=second),
        "get_flight_status": flight_status,
        "book_reservation": partial(book, second=second),
        "cancel_reservation": cancel,
        "update_reservation_flights": partial(change_flights, second=second),
        "update_reservation_baggages": partial(change_baggages, second=second),
        "update_reservation_passengers": partial(change_passengers, second=second),
        "send_certificate": partial(send_certificate, second=second),
    }
    del found["think" if second else "get_flight_status"]
    return found
