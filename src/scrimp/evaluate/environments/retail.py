"""The retail desk of tau-bench (arXiv 2406.12045) and tau2-bench (arXiv 2506.07982): orders, products, users.

The tools are written anew after the behaviour that the benchmarks document and that recorded runs show; the words of an
error are those of the first. `second` means as in tau2-bench, where an order whose items were modified still takes
another address, an item cannot be modified to itself, an address is texts, and, of several items modified at once, each
gets price and options of the last new one (so the official tools do, and its gold was made with them).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from scrimp.evaluate.environments import desk_tools
from scrimp.evaluate.environments.desk_tables import Action, Record, Refused, Tables
from scrimp.evaluate.environments.desk_tools import (
    own_method,
    payment_method,
    user_details,
)

TABLES = ("orders", "products", "users")
REASONS = ("no longer needed", "ordered by mistake")
ADDRESS = ("address1", "address2", "city", "state", "country", "zip")
UNSET = ("cancel_reason", "exchange_items", "exchange_new_items", "exchange_payment_method_id",
         "exchange_price_difference", "return_items", "return_payment_method_id")  # fmt: skip
"""Fields that an order of tau2-bench shows as null until they are set."""


# -- looking --------------------------------------------------------------------------------------------


def find_by_email(tables: Tables, arguments: Mapping[str, Any]) -> str:
    """The id of the user with an email address, whatever its case."""
    wanted = arguments["email"].lower()
    return _first(key for key, user in tables.all("users") if user["email"].lower() == wanted)


def find_by_name(tables: Tables, arguments: Mapping[str, Any]) -> str:
    """The id of the user with a name, whatever its case, and a zip code."""
    wanted = (arguments["first_name"].lower(), arguments["last_name"].lower(), arguments["zip"])
    return _first(
        key
        for key, user in tables.all("users")
        if (user["name"]["first_name"].lower(), user["name"]["last_name"].lower(), user["address"]["zip"]) == wanted
    )


def _first(found: Any) -> str:
    for key in found:
        return str(key)
    raise Refused("user not found")


def order_details(tables: Tables, arguments: Mapping[str, Any]) -> Record:
    """An order."""
    return tables.get("orders", arguments["order_id"])


def product_details(tables: Tables, arguments: Mapping[str, Any]) -> Record:
    """A product with its variants."""
    return tables.get("products", arguments["product_id"])


def item_details(tables: Tables, arguments: Mapping[str, Any]) -> Record:
    """One variant, whatever product it is of."""
    for _, product in tables.all("products"):
        if arguments["item_id"] in product["variants"]:
            found: Record = product["variants"][arguments["item_id"]]
            return found
    raise Refused("item not found")


def product_types(tables: Tables, arguments: Mapping[str, Any]) -> str:
    """Names and ids of all products, as JSON in the order of the names."""
    return json.dumps({product["name"]: product["product_id"] for _, product in tables.all("products")}, sort_keys=True)


# -- changing -------------------------------------------------------------------------------------------


def _open(tables: Tables, arguments: Mapping[str, Any], status: str, done: str, *, loosely: bool = False) -> Record:
    """An order of a status, to look at; `loosely`: also where more than the status stands there."""
    order = tables.get("orders", arguments["order_id"])
    if order["status"] != status and not (loosely and status in order["status"]):
        raise Refused(f"non-{status} order cannot be {done}")
    return order


def cancel(tables: Tables, arguments: Mapping[str, Any]) -> Record:
    """Cancel a pending order and refund every payment, at once where it was made by gift card."""
    order = _open(tables, arguments, "pending", "cancelled")
    if arguments["reason"] not in REASONS:
        raise Refused("invalid reason")
    order = tables.edit("orders", arguments["order_id"])
    refunds = []
    for payment in order["payment_history"]:
        method = payment["payment_method_id"]
        refunds.append({"transaction_type": "refund", "amount": payment["amount"], "payment_method_id": method})
        _pay(tables, order["user_id"], method, -payment["amount"])
    order["status"], order["cancel_reason"] = "cancelled", arguments["reason"]
    order["payment_history"].extend(refunds)
    return order


def _pay(tables: Tables, user: str, method: str, amount: float) -> None:
    """Take an amount off a gift card; other methods keep no balance."""
    if payment_method(tables, user, method)["source"] == "gift_card":
        card = own_method(tables, user, method)
        card["balance"] = round(card["balance"] - amount, 2)


def _swap(tables: Tables, order: Record, arguments: Mapping[str, Any], *, second: bool) -> tuple[float, Record]:
    """The price difference of new items for old ones, and the last new one.

    Raises:
        Refused: an item is not in the order (that often), a new one is not of its product, or not to be had.
    """
    old, new = _ids(arguments["item_ids"]), _ids(arguments["new_item_ids"])
    _hold(order, old, "{} not found")
    if len(old) != len(new):
        raise Refused("the number of items to be exchanged should match")
    difference: float = 0
    variant: Record = {}
    for before, after in zip(old, new, strict=True):
        if second and before == after:
            raise Refused("the new item id should be different from the old item id")
        item = _item(order, before)
        variant = tables.get("products", item["product_id"])["variants"].get(after, {})
        if not variant.get("available"):
            raise Refused(f"new item {after} not found or available")
        difference += variant["price"] - item["price"]
    return difference, variant


def _ids(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Refused("item ids are a list")
    return value


def _hold(order: Record, wanted: list[str], why: str) -> None:
    held = [item["item_id"] for item in order["items"]]
    for one in wanted:
        if wanted.count(one) > held.count(one):
            raise Refused(why.format(one))


def _item(order: Record, item: str) -> Record:
    found: Record = next(one for one in order["items"] if one["item_id"] == item)
    return found


def _afford(tables: Tables, user: str, method: Any, amount: float, what: str) -> None:
    found = payment_method(tables, user, method)
    if found["source"] == "gift_card" and found["balance"] < amount:
        raise Refused(f"insufficient gift card balance to pay for the {what}")


def modify_items(tables: Tables, arguments: Mapping[str, Any], second: bool) -> Record:
    """Other items of the same products in a pending order, once; the difference is paid or refunded."""
    order, method = _open(tables, arguments, "pending", "modified"), arguments["payment_method_id"]
    difference, last = _swap(tables, order, arguments, second=second)
    _afford(tables, order["user_id"], method, difference, "new item")
    order = tables.edit("orders", arguments["order_id"])
    kind = "payment" if difference > 0 else "refund"
    order["payment_history"].append({"transaction_type": kind, "amount": abs(difference), "payment_method_id": method})
    _pay(tables, order["user_id"], method, difference)
    for before, after in zip(arguments["item_ids"], arguments["new_item_ids"], strict=True):
        item = _item(order, before)
        new = last if second else tables.get("products", item["product_id"])["variants"][after]
        item.update(item_id=after, price=new["price"], options=dict(new["options"]))
    order["status"] = "pending (item modified)"
    return order


def modify_payment(tables: Tables, arguments: Mapping[str, Any], second: bool) -> Record:
    """Another payment method for a pending order that was paid once; the first payment is refunded."""
    order = _open(tables, arguments, "pending", "modified", loosely=second)
    method, history = arguments["payment_method_id"], order["payment_history"]
    payment_method(tables, order["user_id"], method)
    if len(history) != 1 or history[0]["transaction_type"] != "payment":
        raise Refused("there should be exactly one payment for a pending order")
    first, amount = history[0]["payment_method_id"], history[0]["amount"]
    if first == method:
        raise Refused("the new payment method should be different from the current one")
    _afford(tables, order["user_id"], method, amount, "order")
    order = tables.edit("orders", arguments["order_id"])
    order["payment_history"] += [
        {"transaction_type": "payment", "amount": amount, "payment_method_id": method},
        {"transaction_type": "refund", "amount": amount, "payment_method_id": first},
    ]
    _pay(tables, order["user_id"], method, amount)
    _pay(tables, order["user_id"], first, -amount)
    return order


def modify_address(tables: Tables, arguments: Mapping[str, Any], second: bool) -> Record:
    """Another address for a pending order."""
    _open(tables, arguments, "pending", "modified", loosely=second)
    address = _address(arguments, second)
    order = tables.edit("orders", arguments["order_id"])
    order["address"] = address
    return order


def modify_user_address(tables: Tables, arguments: Mapping[str, Any], second: bool) -> Record:
    """Another default address for a user."""
    tables.get("users", arguments["user_id"])
    address = _address(arguments, second)
    user = tables.edit("users", arguments["user_id"])
    user["address"] = address
    return user


def _address(arguments: Mapping[str, Any], second: bool) -> Record:
    address = {name: arguments[name] for name in ADDRESS}
    if second and not all(isinstance(value, str) for value in address.values()):
        raise Refused("every line of an address is a text")
    return address


def return_items(tables: Tables, arguments: Mapping[str, Any]) -> Record:
    """Ask for a delivered order's items to be taken back; refunded as it was paid, or to a gift card."""
    order, method = _open(tables, arguments, "delivered", "returned"), arguments["payment_method_id"]
    card = payment_method(tables, order["user_id"], method)["source"] == "gift_card"
    if not card and method != order["payment_history"][0]["payment_method_id"]:
        raise Refused("payment method should be either the original payment method or a gift card")
    items = _ids(arguments["item_ids"])
    _hold(order, items, "some item not found")
    order = tables.edit("orders", arguments["order_id"])
    order.update(status="return requested", return_items=sorted(items), return_payment_method_id=method)
    return order


def exchange_items(tables: Tables, arguments: Mapping[str, Any]) -> Record:
    """Ask for a delivered order's items to be exchanged for others of the same products."""
    order, method = _open(tables, arguments, "delivered", "exchanged"), arguments["payment_method_id"]
    difference = round(_swap(tables, order, arguments, second=False)[0], 2)
    _afford(tables, order["user_id"], method, difference, "price difference")
    order = tables.edit("orders", arguments["order_id"])
    order.update(
        status="exchange requested",
        exchange_items=sorted(arguments["item_ids"]),
        exchange_new_items=sorted(arguments["new_item_ids"]),
        exchange_payment_method_id=method,
        exchange_price_difference=difference,
    )
    return order


def actions(second: bool = False) -> Mapping[str, Action]:
    """What every tool of the desk does, under its name; `second`: as in tau2-bench."""
    found: dict[str, Action] = {
        **desk_tools.ACTIONS,
        "find_user_id_by_email": find_by_email,
        "find_user_id_by_name_zip": find_by_name,
        "get_user_details": user_details,
        "get_order_details": order_details,
        "get_product_details": product_details,
        "get_item_details": item_details,
        "list_all_product_types": product_types,
        "cancel_pending_order": cancel,
        "modify_pending_order_address": partial(modify_address, second=second),
        "modify_pending_order_items": partial(modify_items, second=second),
        "modify_pending_order_payment": partial(modify_payment, second=second),
        "modify_user_address": partial(modify_user_address, second=second),
        "return_delivered_order_items": return_items,
        "exchange_delivered_order_items": exchange_items,
    }
    del found["think" if second else "get_item_details"]
    return found
