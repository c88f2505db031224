import asyncio
import json

import pytest

from scrimp.core.tool import ToolResult
from scrimp.evaluate.benchmarks.tau2_bench import Tau2Bench
from scrimp.evaluate.benchmarks.tau_bench import TauBench
from scrimp.evaluate.environments.desk_tables import Refused, Tables

ORDER, SENT, OTHER = "#W9000001", "#W9000002", "#W9000003"
CARD, PAYPAL = "gift_card_5500001", "paypal_5500002"
RED, GREEN, BATTERY = "7200000001", "7200000002", "7200000003"
SMALL, LARGE, HORN = "7100000001", "7100000002", "7100000003"


class Shop:
    """The sample's retail database with tools, as one of the two benchmarks has them."""

    def __init__(self, second: bool = False) -> None:
        desks = (Tau2Bench if second else TauBench)("sample")._desks
        self.tables, self.service = desks.tables("retail").copy(), desks.service("retail")
        self.first = self.tables.digest()

    def use(self, name, **arguments):
        said = self.service.use(self.tables, name, arguments)
        try:
            return json.loads(said)
        except json.JSONDecodeError:
            return said

    def refuses(self, why, name, **arguments):
        before = self.tables.digest()
        with pytest.raises(Refused, match=why or None):
            self.use(name, **arguments)
        assert self.tables.digest() == before

    def balance(self):
        return self.tables.get("users", "ilse_marrow_4411")["payment_methods"][CARD]["balance"]


def swap(old, new, method=CARD, order=ORDER):
    return {"order_id": order, "item_ids": old, "new_item_ids": new, "payment_method_id": method}


def test_users_are_found_whatever_the_case():
    shop = Shop()
    assert shop.use("find_user_id_by_email", email="Ilse.Marrow@EXAMPLE.com") == "ilse_marrow_4411"
    assert shop.use("find_user_id_by_name_zip", first_name="tomas", last_name="REED", zip="05999") == "tomas_reed_8802"
    shop.refuses("user not found", "find_user_id_by_name_zip", first_name="Tomas", last_name="Reed", zip="5999")
    assert list(shop.use("list_all_product_types")) == ["Copper Kettle", "Storm Lantern"]
    assert shop.tables.digest() == shop.first


def test_a_cancelled_order_is_refunded_to_a_gift_card_at_once_and_only_once():
    shop = Shop()
    shop.refuses("invalid reason", "cancel_pending_order", order_id=ORDER, reason="because")
    done = shop.use("cancel_pending_order", order_id=ORDER, reason="no longer needed")
    assert (done["status"], done["cancel_reason"]) == ("cancelled", "no longer needed")
    assert done["payment_history"][1] == {
        "transaction_type": "refund", "amount": 78.6, "payment_method_id": CARD,
    }  # fmt: skip
    assert shop.balance() == 118.6
    shop.refuses("non-pending order", "cancel_pending_order", order_id=ORDER, reason="no longer needed")
    shop.refuses("order not found", "cancel_pending_order", order_id=ORDER[1:], reason="no longer needed")


def test_modified_items_are_paid_or_refunded_once():
    shop = Shop()
    shop.refuses("not found or available", "modify_pending_order_items", **swap([SMALL], [HORN]))
    shop.refuses("not found or available", "modify_pending_order_items", **swap([SMALL], [GREEN]))
    shop.refuses("should match", "modify_pending_order_items", **swap([SMALL], []))
    shop.refuses(f"{RED} not found", "modify_pending_order_items", **swap([RED, RED], [GREEN, GREEN]))
    shop.refuses("payment method not found", "modify_pending_order_items", **swap([RED], [GREEN], "paypal_1"))
    done = shop.use("modify_pending_order_items", **swap([RED, SMALL], [BATTERY, LARGE]))
    assert done["status"] == "pending (item modified)"
    assert [(item["item_id"], item["price"]) for item in done["items"]] == [(LARGE, 55.25), (BATTERY, 44.9)]
    assert done["payment_history"][1]["transaction_type"] == "payment"
    assert done["payment_history"][1]["amount"] == pytest.approx(21.55)
    assert shop.balance() == 18.45
    shop.refuses("non-pending order cannot be modified", "modify_pending_order_items", **swap([LARGE], [SMALL]))


def test_a_gift_card_must_hold_what_is_to_be_paid():
    shop = Shop()
    shop.tables.edit("users", "ilse_marrow_4411")["payment_methods"][CARD]["balance"] = 5.0
    shop.refuses("insufficient gift card balance", "modify_pending_order_items", **swap([RED], [BATTERY]))
    shop.refuses("insufficient gift card balance", "exchange_delivered_order_items",
                 **swap([GREEN], [BATTERY], order=SENT))  # fmt: skip
    assert shop.use("modify_pending_order_items", **swap([RED], [GREEN]))["payment_history"][1] == {
        "transaction_type": "refund", "amount": pytest.approx(2.7), "payment_method_id": CARD,
    }  # fmt: skip
    assert shop.balance() == 7.7


def test_what_the_second_benchmark_does_otherwise():
    first, second = Shop(), Shop(second=True)
    both = swap([RED, SMALL], [BATTERY, LARGE])
    assert [item["price"] for item in first.use("modify_pending_order_items", **both)["items"]] == [55.25, 44.9]
    # The official tools of the second give every item the price of the last one; its gold was made with them.
    assert [item["price"] for item in second.use("modify_pending_order_items", **both)["items"]] == [55.25, 55.25]
    place = {"address1": "1 Ferry Road", "address2": "", "city": "x", "state": "VT", "country": "USA", "zip": "1"}
    first.refuses("non-pending", "modify_pending_order_address", order_id=ORDER, **place)
    assert second.use("modify_pending_order_address", order_id=ORDER, **place)["address"] == place
    second.refuses("a text", "modify_user_address", user_id="tomas_reed_8802", **{**place, "zip": 1})
    assert first.use("modify_user_address", user_id="tomas_reed_8802", **{**place, "zip": 1})["address"]["zip"] == 1
    Shop(second=True).refuses("different", "modify_pending_order_items", **swap([RED], [RED]))
    assert Shop().use("modify_pending_order_items", **swap([RED], [RED]))["payment_history"][1]["amount"] == 0
    assert second.use("get_item_details", item_id=GREEN)["price"] == 27.4
    first.refuses("no tool is called", "get_item_details", item_id=GREEN)
    assert first.use("think", thought="hm") == ""
    assert second.use("get_order_details", order_id=OTHER)["cancel_reason"] is None
    assert "cancel_reason" not in first.use("get_order_details", order_id=OTHER)


def test_another_payment_method():
    shop = Shop()
    change = {"order_id": ORDER, "payment_method_id": PAYPAL}
    shop.refuses("different", "modify_pending_order_payment", order_id=ORDER, payment_method_id=CARD)
    done = shop.use("modify_pending_order_payment", **change)
    assert [(one["transaction_type"], one["payment_method_id"]) for one in done["payment_history"]] == [
        ("payment", CARD), ("payment", PAYPAL), ("refund", CARD),
    ]  # fmt: skip
    assert (done["status"], shop.balance()) == ("pending", 118.6)
    shop.refuses("exactly one payment", "modify_pending_order_payment", **change)


def test_returns_and_exchanges_of_what_was_delivered():
    shop = Shop()
    back = {"order_id": SENT, "item_ids": [GREEN, GREEN], "payment_method_id": PAYPAL}
    shop.refuses("some item not found", "return_delivered_order_items", **{**back, "item_ids": [GREEN] * 3})
    shop.refuses("non-delivered", "return_delivered_order_items", **{**back, "order_id": ORDER})
    shop.tables.edit("orders", SENT)["payment_history"][0]["payment_method_id"] = "other"
    shop.refuses("original payment method or a gift card", "return_delivered_order_items", **back)
    done = shop.use("return_delivered_order_items", **{**back, "payment_method_id": CARD})
    assert (done["status"], done["return_items"]) == ("return requested", [GREEN, GREEN])
    assert shop.balance() == 40.0
    shop.refuses("non-delivered", "exchange_delivered_order_items", **swap([GREEN], [RED], order=SENT))
    done = Shop().use("exchange_delivered_order_items", **swap([LARGE, GREEN], [SMALL, RED], order=SENT))
    assert done["exchange_items"] == sorted([LARGE, GREEN])
    assert done["exchange_new_items"] == sorted([SMALL, RED])
    assert done["exchange_price_difference"] == round(48.5 - 55.25 + 30.1 - 27.4, 2)
    assert [item["item_id"] for item in done["items"]] == [GREEN, GREEN, LARGE]


@pytest.mark.parametrize("second", [False, True])
def test_hostile_arguments_are_refused_and_change_nothing(second):
    shop = Shop(second)
    odd = [None, 5, 1.5, True, [], ["x"], {}, {"a": [1]}, "x", "", [None], [[1]], [{"item_id": 1}]]
    for tool in shop.service.tools:
        names = tool.parameters["required"]
        if tool.name in ("transfer_to_human_agents", "think"):
            continue
        for value in odd:
            if tool.name == "modify_user_address" or not names:
                continue
            shop.refuses("", tool.name, **dict.fromkeys(names, value))
        shop.refuses("takes", tool.name, more=1, **dict.fromkeys(names, "x"))
        if names:
            shop.refuses("takes", tool.name, **dict.fromkeys(names[1:], "x"))
    for value in odd:
        shop.refuses("", "modify_pending_order_items", **swap(value, [GREEN]))
        shop.refuses("", "modify_pending_order_items", **swap([RED], value))
        shop.refuses("", "return_delivered_order_items", order_id=SENT, item_ids=["x"], payment_method_id=value)


@pytest.mark.parametrize(
    ("expression", "said"),
    [("2 + 3 * (4 - 1)", "11.0"), ("10 / 4", "2.5"), ("7 // 2", "3.0"), ("2 ** 3", "8.0"), ("-1.005*2", "-2.01")],
)
def test_sums(expression, said):
    shop = Shop()
    assert shop.service.use(shop.tables, "calculate", {"expression": expression}) == said


@pytest.mark.parametrize(
    "expression", ["", "1 +", "a", "1 / 0", "9**9**9", "(1)(2)", "1,2", "0" * 400, "__import__", "(-8)**0.5"]
)
def test_no_sums(expression):
    Shop().refuses("", "calculate", expression=expression)


def test_records_are_shared_until_they_are_changed():
    base = {"users": {"a": {"n": [1]}, "b": {"n": [2]}}}
    tables, other = Tables(base), Tables(base)
    assert tables.find("users", "a") is other.find("users", "a")
    tables.edit("users", "a")["n"].append(5)
    assert base["users"]["a"] == other.get("users", "a") == {"n": [1]}
    again = tables.copy()
    assert again.digest() == tables.digest() != other.digest()
    again.edit("users", "a")["n"].append(6)
    assert tables.get("users", "a") == {"n": [1, 5]}
    tables.edit("users", "a")["n"].pop()
    assert tables.digest() == other.digest()
    other.put("users", "c", {"n": [1]})
    assert [key for key, _ in other.all("users")] == ["a", "b", "c"]
    one = Tables(base)
    one.put("users", "c", {"n": [1.0]})
    assert one.digest() != other.digest()


def desk(**options):
    bench = TauBench("sample", **options)
    task = next(iter(bench.tasks("retail")))
    return bench, task, bench.environment(task)


def test_the_scripted_user_says_all_and_then_agrees():
    async def main():
        _, task, world = desk()
        assert await world.reset(task) == ""
        first = await world.step({"name": "message_user", "arguments": {"text": "Hi!"}}, None)
        then = await world.step({"name": "message_user", "arguments": {"text": "Shall I?"}}, None)
        assert first.text.startswith("You are Ilse Marrow")
        assert then.text.startswith("Yes")
        state = world.state()
        assert state["said"] == ["Hi!", "Shall I?"]
        assert state["heard"] == [first.text, then.text]
        for arguments in (None, {}, {"text": 5}, {"text": " "}, []):
            assert (await world.step({"name": "message_user", "arguments": arguments}, None)).status == "error"
        for action in ({}, {"name": None}, {"name": ["x"], "arguments": {}}, {"name": "calculate", "arguments": 5}):
            assert (await world.step(action, None)).status == "error"

    asyncio.run(main())


def test_a_clone_goes_its_own_way_and_a_reset_begins_anew():
    async def main():
        _, task, world = desk()
        await world.reset(task)
        start = world.state()
        await world.step({"name": "message_user", "arguments": {"text": "Hi!"}}, None)
        other = await world.clone()
        cancel = {"name": "cancel_pending_order", "arguments": {"order_id": OTHER, "reason": "no longer needed"}}
        assert (await other.step(cancel, None)).ok
        assert other.state()["db"] != world.state()["db"] == start["db"]
        assert (len(other.state()["calls"]), len(world.state()["calls"])) == (1, 0)
        await world.redo(cancel, ToolResult("", "ok"))
        assert world.state() == other.state()
        await world.reset(task)
        assert world.state() == start

    asyncio.run(main())


def test_nobody_to_speak_to():
    async def main():
        _, task, world = desk(user="none")
        await world.reset(task)
        assert "message_user" not in {tool.name for tool in task.tools}
        seen = await world.step({"name": "message_user", "arguments": {"text": "Hi!"}}, None)
        assert seen == ToolResult("error: there is no user to speak to", "error")

    asyncio.run(main())


def test_nothing_can_be_done_after_a_transfer_or_the_last_step():
    async def main():
        _, task, world = desk()
        await world.reset(task)
        over = {"name": "transfer_to_human_agents", "arguments": {"summary": "x"}}
        assert (await world.step(over, None)).text == "Transfer successful"
        assert "handed over" in (await world.step(over, None)).text
        assert world.state()["ended"] == "transfer"
        await world.reset(task)
        think = {"name": "think", "arguments": {"thought": "x"}}
        seen = [await world.step(think, None) for _ in range(30)]
        assert [one.status for one in seen] == ["ok"] * 29 + ["error"]
        assert world.state()["ended"] == "steps"

    asyncio.run(main())
