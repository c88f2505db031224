import json

import pytest

from scrimp.evaluate.benchmarks.tau2_bench import Tau2Bench
from scrimp.evaluate.benchmarks.tau_bench import TauBench
from scrimp.evaluate.environments.desk_tables import Refused

NORA, OTTO = "nora_vale_3107", "otto_finch_9120"
CARD, GIFT, PAPER = "credit_card_6600001", "gift_card_6600002", "certificate_6600003"
ME = {"first_name": "Nora", "last_name": "Vale", "dob": "1988-03-02"}


class Desk:
    """The sample's airline database with tools, as one of the two benchmarks has them."""

    def __init__(self, second: bool = False) -> None:
        desks = (Tau2Bench if second else TauBench)("sample")._desks
        self.tables, self.service = desks.tables("airline").copy(), desks.service("airline")

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

    def methods(self):
        return self.tables.get("users", NORA)["payment_methods"]

    def seats(self, flight="HAT903", date="2024-05-20"):
        return self.tables.get("flights", flight)["dates"][date]["available_seats"]


def booking(*payments, **other):
    return {
        "user_id": NORA, "origin": "BOS", "destination": "SEA", "flight_type": "one_way", "cabin": "economy",
        "flights": [{"flight_number": "HAT903", "date": "2024-05-20"}], "passengers": [ME],
        "payment_methods": [{"payment_id": method, "amount": amount} for method, amount in payments],
        "total_baggages": 1, "nonfree_baggages": 1, "insurance": "yes", **other,
    }  # fmt: skip


both = pytest.mark.parametrize("second", [False, True])


@both
def test_searches(second):
    desk = Desk(second)
    (found,) = desk.use("search_direct_flight", origin="BOS", destination="SEA", date="2024-05-20")
    assert found["prices"] == {"basic_economy": 130, "economy": 230, "business": 700}
    assert "dates" not in found
    assert ("date" in found) is second
    assert desk.use("search_direct_flight", origin="BOS", destination="SEA", date="2024-05-21") == []  # cancelled
    assert desk.use("search_direct_flight", origin="BOS", destination="SEA", date="2030-01-01") == []
    pairs = desk.use("search_onestop_flight", origin="BOS", destination="SEA", date="2024-05-20")
    assert [[(leg["flight_number"], leg["date"]) for leg in pair] for pair in pairs] == [
        [("HAT901", "2024-05-20"), ("HAT902", "2024-05-20")],
        [("HAT904", "2024-05-20"), ("HAT902", "2024-05-21")],  # arrives after midnight
        [("HAT904", "2024-05-20"), ("HAT905", "2024-05-21")],
    ]
    assert pairs[2][1]["status"] == ("available" if second else "landed")  # the first shows the wrong day's seats


def test_a_booking_uses_up_a_certificate_and_takes_seats_in_the_second_benchmark_only():
    for second in (False, True):
        desk = Desk(second)
        pay = ((PAPER, 100), (GIFT, 150), (CARD, 60))
        made = desk.use("book_reservation", **booking(*pay))
        assert made["reservation_id"] == "HATHAT"
        assert made["created_at"] == "2024-05-15T15:00:00"
        assert made["flights"][0]["price"] == 230
        assert [one["amount"] for one in made["payment_history"]] == [100, 150, 60]
        assert set(desk.methods()) == {CARD, GIFT}
        assert desk.methods()[GIFT]["amount"] == 0
        assert desk.seats()["economy"] == (1 if second else 2)
        assert desk.tables.get("users", NORA)["reservations"] == ["QX1AAA", "HATHAT"]
        assert desk.use("book_reservation", **booking((CARD, 310)))["reservation_id"] == "HATHAU"
        if second:
            desk.refuses("not enough seats", "book_reservation", **booking((CARD, 310)))


@both
def test_a_booking_that_cannot_be(second):
    desk = Desk(second)
    desk.refuses("total price is 310, but paid 300", "book_reservation", **booking((CARD, 300)))
    desk.refuses("not enough balance", "book_reservation", **booking((PAPER, 150), (CARD, 160)))
    desk.refuses("method certificate_1 not found", "book_reservation", **booking(("certificate_1", 310)))
    desk.refuses("user not found", "book_reservation", **booking((CARD, 310), user_id="nobody"))
    desk.refuses("not enough seats", "book_reservation", **booking((CARD, 310), passengers=[ME] * 3))
    for flight, date, why in (
        ("HAT999", "2024-05-20", "flight HAT999 not found"), ("HAT903", "2024-06-20", "not found on date"),
        ("HAT903", "2024-05-21", "not available on date"),
    ):  # fmt: skip
        legs = [{"flight_number": flight, "date": date}]
        desk.refuses(why, "book_reservation", **booking((CARD, 310), flights=legs))
    desk.refuses("", "book_reservation", **booking((CARD, 310), cabin="first"))


def test_only_the_second_benchmark_brings_arguments_to_their_types():
    odd = {"total_baggages": "1", "passengers": [{**ME, "seat": "1A"}]}
    first, second = Desk().use("book_reservation", **booking((CARD, 310.0), **odd)), Desk(second=True)
    assert (first["total_baggages"], first["payment_history"][0]["amount"]) == ("1", 310.0)
    assert first["passengers"] == odd["passengers"]
    made = second.use("book_reservation", **booking((CARD, 310.0), **odd))
    assert (made["total_baggages"], made["passengers"], made["status"]) == (1, [ME], None)
    assert str(made["payment_history"][0]["amount"]) == "310"
    second.refuses("no whole number", "book_reservation", **booking((CARD, 309.5)))
    second.refuses("not one of", "book_reservation", **booking((CARD, 310), insurance="maybe"))


@both
def test_changed_flights_are_paid_or_refunded(second):
    desk = Desk(second)
    change = {"reservation_id": "QX1AAA", "cabin": "economy",
              "flights": [{"flight_number": "HAT904", "date": "2024-05-20"}], "payment_id": GIFT}  # fmt: skip
    desk.refuses("certificate cannot be used", "update_reservation_flights", **{**change, "payment_id": PAPER})
    desk.refuses("payment method not found", "update_reservation_flights", **{**change, "payment_id": "x"})
    business = {**change, "cabin": "business", "flights": [{"flight_number": "HAT901", "date": "2024-05-20"}]}
    desk.refuses("gift card balance is not enough", "update_reservation_flights", **business)
    made = desk.use("update_reservation_flights", **change)
    assert made["payment_history"][-1] == {"payment_id": GIFT, "amount": -60}
    assert desk.methods()[GIFT]["amount"] == 210
    again = desk.use("update_reservation_flights", **change)  # nothing changes, nothing is paid
    assert again == made
    made = desk.use("update_reservation_flights", **{**business, "payment_id": CARD})
    assert made["cabin"] == ("business" if second else "economy")  # the first forgets the cabin
    assert made["payment_history"][-1]["amount"] == 2 * (400 - 80)
    assert desk.seats("HAT901")["business"] == 2


@both
def test_bags_passengers_and_cancelling(second):
    desk = Desk(second)
    bags = {"reservation_id": "QX1AAA", "total_baggages": 5, "nonfree_baggages": 2, "payment_id": GIFT}
    assert desk.use("update_reservation_baggages", **bags)["payment_history"][-1]["amount"] == 100
    fewer = desk.use("update_reservation_baggages", **{**bags, "nonfree_baggages": 0})
    assert (len(fewer["payment_history"]), desk.methods()[GIFT]["amount"]) == (2, 50)
    one = {"reservation_id": "QX1AAA", "passengers": [ME]}
    desk.refuses("number of passengers does not match", "update_reservation_passengers", **one)
    two = desk.use("update_reservation_passengers", **{**one, "passengers": [ME, ME]})
    assert two["passengers"] == [ME, ME]
    gone = desk.use("cancel_reservation", reservation_id="QX1AAA")
    assert [payment["amount"] for payment in gone["payment_history"]] == [220, 100, -220, -100]
    assert gone["status"] == "cancelled"
    assert desk.methods()[GIFT]["amount"] == 50  # refunds come in days
    desk.refuses("reservation not found", "cancel_reservation", reservation_id="QX9ZZZ")


@both
def test_certificates(second):
    desk = Desk(second)
    said = [desk.use("send_certificate", user_id=OTTO, amount=50) for _ in range(3)]
    assert said[1] == f"Certificate certificate_3221323 added to user {OTTO} with amount 50."
    assert str(desk.tables.get("users", OTTO)["payment_methods"]["certificate_3221322"]["amount"]) == (
        "50.0" if second else "50"
    )
    desk.refuses("too many", "send_certificate", user_id=OTTO, amount=50)


def test_status_and_airports():
    desk = Desk(second=True)
    assert desk.use("get_flight_status", flight_number="HAT903", date="2024-05-21") == "cancelled"
    desk.refuses("not found on date", "get_flight_status", flight_number="HAT903", date="2024-05-22")
    assert {"iata": "LGA", "city": "LaGuardia"} in desk.use("list_all_airports")
    assert Desk().use("list_all_airports")["SFO"] == "San Francisco"
    Desk().refuses("no tool", "get_flight_status", flight_number="HAT903", date="2024-05-21")


@both
def test_hostile_arguments_are_refused_and_change_nothing(second):
    desk = Desk(second)
    odd = [None, 5, 1.5, True, [], ["x"], {}, {"a": [1]}, "x", "", [None], [[1]], [{"flight_number": []}]]
    for tool in desk.service.tools:
        names = tool.parameters["required"]
        if tool.name in ("transfer_to_human_agents", "think", "list_all_airports"):
            continue
        for value in odd:
            given = dict.fromkeys(names, value)
            if not tool.name.startswith("search"):
                desk.refuses("", tool.name, **given)
            elif value != [] and isinstance(value, (list, dict)):
                assert desk.use(tool.name, **given) == []  # no flight leaves from there
    for name in ("flights", "passengers", "payment_methods", "user_id", "nonfree_baggages"):
        for value in odd:
            # True counts as 1; the first benchmark takes anything of the right length for passengers.
            if not (name == "nonfree_baggages" and value is True) and (second or name != "passengers"):
                desk.refuses("", "book_reservation", **{**booking((CARD, 310)), name: value})
