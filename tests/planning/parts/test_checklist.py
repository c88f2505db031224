"""A checklist grows, changes and forgets nothing."""

from __future__ import annotations

from scrimp.planning.parts.checklist import LONGEST, MOST, Checklist

FIRST = """I begin with the director.
Explore:
1 [pending] Who directed it?
1.1. [Partial] When was it made?
**Verify:**
- 2 [pending] Is it the same person?
answer follows"""


def test_lines_among_other_words_are_taken_in() -> None:
    mine = Checklist()
    mine.update(FIRST)
    assert str(mine) == (
        "Explore:\n1 [pending] Who directed it? (0 calls)\n1.1 [partial] When was it made? (0 calls)\n"
        "Verify:\n2 [pending] Is it the same person? (0 calls)"
    )


def test_what_is_left_out_stays_and_calls_are_kept() -> None:
    mine = Checklist()
    mine.update(FIRST)
    mine.spend(2)
    assert mine.spent() == "Calls by item: 1.1: 2."
    mine.update("Explore:\n1.1 [failed] When was it made? (99 calls)\n3 [pending] Where?")
    mine.spend(1)
    assert [(item.number, item.status, item.calls) for item in mine.items.values()] == [
        ("1", "pending", 1), ("1.1", "failed", 2), ("2", "pending", 0), ("3", "pending", 0),
    ]  # fmt: skip


def test_no_checklist_and_nothing_under_way_are_no_trouble() -> None:
    mine = Checklist()
    mine.update("Paris")
    mine.spend(3)
    mine.update("1 [done] all")
    mine.spend(3)
    assert (str(mine), mine.spent()) == ("Explore:\n1 [done] all (0 calls)", "")


def test_a_rambling_model_is_bounded() -> None:
    mine = Checklist()
    mine.update("\n".join(f"{number} [pending] {'x' * 10_000}" for number in range(1000)))
    assert len(mine.items) == MOST
    assert len(mine.items["0"].text) == LONGEST
