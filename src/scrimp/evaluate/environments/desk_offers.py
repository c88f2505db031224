"""The tools of both desks as an agent sees them: names, arguments and what they are for, in words of our own."""

from __future__ import annotations

from scrimp.core.tool import Tool
from scrimp.evaluate.environments.desk_tools import SHARED, desk_tool, number, record, several, text, whole
from scrimp.evaluate.environments.desk_types import CABINS, KINDS
from scrimp.evaluate.environments.retail import REASONS

_CONFIRM = "Say what will be done and get the user's yes first."
_USER = text("Id of the user, such as 'sara_doe_496'.")


def retail_tools(second: bool = False) -> tuple[Tool, ...]:
    """The retail desk's tools, without the one that speaks to the user; `second`: as in tau2-bench."""
    return _without("think" if second else "get_item_details", (*_RETAIL, *SHARED.values()))


def airline_tools(second: bool = False) -> tuple[Tool, ...]:
    """The airline desk's tools, likewise."""
    return _without("think" if second else "get_flight_status", (*_AIRLINE, *SHARED.values()))


def _without(name: str, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    return tuple(tool for tool in tools if tool.name != name)


_ORDER = text("Id of the order with its '#', such as '#W0000000'.")
_PAY = text("Id of a payment method in the user's profile, such as 'gift_card_0000000'.")
_ITEMS = several("Ids of the order's items; one that is meant twice stands there twice.", text("Item id."))
_NEW = several("Ids of the new items, each in the place of the old one and of the same product.", text("Item id."))
_PLACE = {
    "address1": text("First line, such as '123 Main St'."), "address2": text("Second line, or ''."),
    "city": text("City."), "state": text("State, such as 'CA'."), "country": text("Country, such as 'USA'."),
    "zip": text("Zip code, such as '12345'."),
}  # fmt: skip


_RETAIL = (
    desk_tool("find_user_id_by_email", "The id of the user with an email address.", email=text("Email address.")),
    desk_tool(
        "find_user_id_by_name_zip", "The id of the user with a name and zip code, where the email address fails.",
        first_name=text("First name."), last_name=text("Last name."), zip=text("Zip code, such as '12345'."),
    ),
    desk_tool("get_user_details", "Profile, payment methods and orders of a user.", user_id=_USER),
    desk_tool("get_order_details", "Items, status, payments and address of an order.", order_id=_ORDER),
    desk_tool(
        "get_product_details", "The variants of a product with price and availability.",
        product_id=text("Id of the product, such as '6086499569'; no item id."),
    ),
    desk_tool(
        "get_item_details", "Price, options and availability of one item.",
        item_id=text("Id of the item, such as '1008292230'; no product id."),
    ),
    desk_tool("list_all_product_types", "Name and id of every product of the store."),
    desk_tool(
        "cancel_pending_order", f"Cancel a pending order; what was paid is refunded. {_CONFIRM}",
        order_id=_ORDER, reason=text("Why.", *REASONS),
    ),
    desk_tool(
        "modify_pending_order_address", f"Change where a pending order is sent. {_CONFIRM}", order_id=_ORDER, **_PLACE
    ),
    desk_tool(
        "modify_pending_order_items",
        f"Change items of a pending order to others of the same products; only once for an order. {_CONFIRM}",
        order_id=_ORDER, item_ids=_ITEMS, new_item_ids=_NEW, payment_method_id=_PAY,
    ),
    desk_tool(
        "modify_pending_order_payment", f"Change how a pending order is paid. {_CONFIRM}",
        order_id=_ORDER, payment_method_id=_PAY,
    ),
    desk_tool("modify_user_address", f"Change the default address of a user. {_CONFIRM}", user_id=_USER, **_PLACE),
    desk_tool(
        "return_delivered_order_items",
        f"Return items of a delivered order; only one return or exchange for an order. {_CONFIRM}",
        order_id=_ORDER, item_ids=_ITEMS, payment_method_id=_PAY,
    ),
    desk_tool(
        "exchange_delivered_order_items",
        f"Exchange items of a delivered order for others of the same products; only one return or exchange for an "
        f"order. {_CONFIRM}",
        order_id=_ORDER, item_ids=_ITEMS, new_item_ids=_NEW, payment_method_id=_PAY,
    ),
)  # fmt: skip


_RESERVATION = text("Id of the reservation, such as 'ZFA04Y'.")
_METHOD = text("Id of a payment method in the user's profile, such as 'credit_card_7815826'.")
_FROM, _TO = text("Airport it leaves from, such as 'JFK'."), text("Airport it goes to, such as 'LAX'.")
_DATE = text("Date, such as '2024-05-01'.")
_CABIN = text("Cabin of all flights.", *CABINS)
_FLIGHTS = record(flight_number=text("Flight number, such as 'HAT001'."), date=_DATE)
_PEOPLE = several(
    "All passengers.",
    record(first_name=text("First name."), last_name=text("Last name."), dob=text("Date of birth, as '1990-01-31'.")),
)
_BAGS, _PAID = whole("Checked bags of all passengers together."), whole("Those of them that are not free.")

_AIRLINE = (
    desk_tool("get_user_details", "Profile, payment methods, membership and reservations of a user.", user_id=_USER),
    desk_tool("get_reservation_details", "Flights, passengers and payments of a reservation.",
              reservation_id=_RESERVATION),
    desk_tool("list_all_airports", "Code and city of every airport."),
    desk_tool("search_direct_flight", "Direct flights of a day with seats and prices.",
              origin=_FROM, destination=_TO, date=_DATE),
    desk_tool("search_onestop_flight", "Pairs of flights with one stop, with seats and prices.",
              origin=_FROM, destination=_TO, date=_DATE),
    desk_tool("get_flight_status", "Where a flight stands on a date.",
              flight_number=text("Flight number, such as 'HAT001'."), date=_DATE),
    desk_tool(
        "book_reservation", f"Book flights; the payments must add up to the price. {_CONFIRM}", user_id=_USER,
        origin=text("Airport where the trip begins."), destination=text("Airport where it leads."),
        flight_type=text("Kind of trip.", *KINDS), cabin=_CABIN,
        flights=several("All flights of the trip.", _FLIGHTS), passengers=_PEOPLE,
        payment_methods=several("What is paid by which method.",
                                record(payment_id=_METHOD, amount=number("Dollars."))),
        total_baggages=_BAGS, nonfree_baggages=_PAID, insurance=text("Travel insurance.", "yes", "no"),
    ),
    desk_tool("cancel_reservation", f"Cancel a whole reservation. {_CONFIRM}", reservation_id=_RESERVATION),
    desk_tool(
        "update_reservation_flights", f"Change the flights or the cabin of a reservation. {_CONFIRM}",
        reservation_id=_RESERVATION, cabin=_CABIN,
        flights=several("All flights of the changed reservation, also those that stay.", _FLIGHTS),
        payment_id=_METHOD,
    ),
    desk_tool(
        "update_reservation_baggages", f"Change the checked bags of a reservation. {_CONFIRM}",
        reservation_id=_RESERVATION, total_baggages=_BAGS, nonfree_baggages=_PAID, payment_id=_METHOD,
    ),
    desk_tool(
        "update_reservation_passengers", f"Change who travels, but not how many. {_CONFIRM}",
        reservation_id=_RESERVATION, passengers=_PEOPLE,
    ),
    desk_tool("send_certificate", f"Give a user a travel certificate. {_CONFIRM}",
              user_id=_USER, amount=number("Dollars.")),
)  # fmt: skip
