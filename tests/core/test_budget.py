"""Budgets: what can be said, and that no limit is ever passed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.budget import KEYS, Budget, Claim, LocalAccount, Reservation
from scrimp.core.errors import BudgetExceeded, InputError

# -- limits as data --------------------------------------------------------------------------------


def test_parse_reads_what_the_command_line_takes() -> None:
    budget = Budget.parse("usd=0.02, tokens=5000,tool_calls.search=3,seconds=1.5,")
    assert budget.limits == {"usd": Decimal("0.02"), "tokens": 5000, "tool_calls.search": 3, "seconds": Decimal("1.5")}
    assert budget == Budget(usd="0.02", tokens="5000", seconds=1.5, **{"tool_calls.search": 3})
    assert not Budget.parse("")
    assert Budget.of(None) == Budget()
    assert Budget.of(budget) is budget
    assert hash(Budget(usd="0.1", tokens=1)) == hash(Budget(tokens=1, usd="0.10"))


def test_a_float_is_taken_as_it_is_written() -> None:
    assert Budget(usd=0.1).limits["usd"] == Decimal("0.1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("usd", "no value"), ("usdd=1", "no budget key"), ("tool_calls.=1", "no budget key"), ("usd=a", "not a number"),
        ("usd=-1", "zero or more"), ("tokens=1.5", "whole number"), ("usd=nan", "zero or more"),
        ("seconds=inf", "zero or more"), ("usd=", "not a number"), ("预算=1", "no budget key"),
    ],
)  # fmt: skip
def test_a_wrong_budget_is_one_clear_line(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        Budget.parse(text)
    assert "\n" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(KEYS), st.integers(0, 10**6)))
def test_limits_survive_json(limits: dict[str, int]) -> None:
    assert Budget(Budget(limits).to_json()) == Budget(limits)


def test_equal_budgets_are_written_alike() -> None:
    """A System's hash is made of this form."""
    assert Budget(usd="0.020").to_json() == Budget(usd="2E-2").to_json() == {"usd": "0.02"}


# -- reserve, act, settle --------------------------------------------------------------------------

calls_of = {"model_calls": 1}


def claim(tokens: int, output: int = 0, least: int = 0, **more: Any) -> Claim:
    per = {"tokens": 1} if output else {}
    return Claim("call", {"tokens": tokens, **more}, per, output, least)


async def one(account: LocalAccount, wanted: Claim, **more: Any) -> Reservation:
    return (await account.reserve([wanted], **more))[0]


def test_what_is_reserved_is_gone_and_what_is_not_spent_comes_back() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        taken = await one(account, claim(60))
        assert account.remaining() == {"tokens": 40}
        await account.settle(taken, {"tokens": 25})
        assert account.remaining() == {"tokens": 75}
        assert account.balance() == {"tokens": {"limit": 100, "spent": 25, "reserved": 0, "kept": 0}}
        with pytest.raises(ValueError, match="twice"):
            await account.settle(taken, {})

    anyio.run(main)


def test_keys_without_a_limit_are_free() -> None:
    async def main() -> None:
        account = LocalAccount(Budget())
        await account.settle(await one(account, claim(10**9)), {"tokens": 10**9, "usd": Decimal(5)})
        assert account.remaining() == {}

    anyio.run(main)


def test_the_output_is_capped_to_what_the_budget_bears() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        taken = await one(account, claim(60, output=500, least=16))
        assert taken.output == 40
        assert taken.amounts == {"tokens": 100}

    anyio.run(main)


def test_the_smallest_form_is_refused_where_it_does_not_fit() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=70))
        with pytest.raises(BudgetExceeded) as caught:
            await one(account, claim(60, output=500, least=16))
        error = caught.value
        assert (error.key, error.limit, error.spent, error.reserved, error.needed) == ("tokens", 70, 0, 0, 76)
        assert account.remaining() == {"tokens": 70}

    anyio.run(main)


def test_a_batch_reserves_together_or_not_at_all() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tool_calls=2, tokens=100))
        with pytest.raises(BudgetExceeded, match="batch of 3 calls"):
            await account.reserve([Claim("tool", {"tool_calls": 1})] * 3)
        assert account.remaining() == {"tool_calls": 2, "tokens": 100}
        assert len(await account.reserve([Claim("tool", {"tool_calls": 1})] * 2)) == 2
        assert account.remaining()["tool_calls"] == 0

    anyio.run(main)


def test_a_batch_shares_what_is_left_like_water() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        taken = await account.reserve([claim(0, output=n, least=1) for n in (10, 500, 500)])
        assert [item.output for item in taken] == [10, 45, 45]

    anyio.run(main)


def test_which_limit_is_named_does_not_depend_on_chance() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(model_calls=0, tokens=0, usd=0))
        with pytest.raises(BudgetExceeded) as caught:
            await one(account, Claim("call", {"model_calls": 1, "tokens": 5, "usd": Decimal(1)}))
        assert caught.value.key == "model_calls", "the first of the claim"

    anyio.run(main)


money = st.integers(0, 10**9).map(lambda n: Decimal(n).scaleb(-9))


@st.composite
def claims(draw: Any) -> Claim:
    output = draw(st.integers(0, 2000))
    least = draw(st.integers(0, output))
    fixed = {"tokens": draw(st.integers(0, 500)), "usd": draw(money), "model_calls": 1}
    return Claim("c", fixed, {"tokens": 1, "usd": draw(money)} if output else {}, output, least)


budgets = st.fixed_dictionaries(
    {}, optional={"tokens": st.integers(0, 5000), "usd": st.integers(0, 10**12).map(lambda n: Decimal(n).scaleb(-9)),
                  "model_calls": st.integers(0, 6)}
)  # fmt: skip


async def attempt(account: LocalAccount, wanted: list[Claim]) -> tuple[list[Reservation], BudgetExceeded | None]:
    try:
        return await account.reserve(wanted), None
    except BudgetExceeded as refusal:
        return [], refusal


@given(budgets, st.lists(claims(), min_size=1, max_size=5))
def test_water_filling_passes_no_limit_and_wastes_nothing(limits: dict[str, Any], wanted: list[Claim]) -> None:
    async def main() -> None:
        account = LocalAccount(Budget(limits))
        taken, refusal = await attempt(account, wanted)
        if refusal is not None:
            least = sum((item.amounts(item.least).get(refusal.key, 0) for item in wanted), start=Decimal(0))
            assert least > limits[refusal.key], "refused although the smallest form fits"
            assert all(row["reserved"] == 0 for row in account.balance().values())
            return
        for row in account.balance().values():
            assert row["reserved"] <= row["limit"]
        for item, reservation in zip(wanted, taken, strict=True):
            assert item.least <= reservation.output <= item.output
            assert reservation.amounts == item.amounts(reservation.output)
        capped = [(item, got.output) for item, got in zip(wanted, taken, strict=True) if got.output < item.output]
        if capped:  # one more token each would pass some limit
            more = [item.amounts(min(got.output + 1, item.output)) for item, got in zip(wanted, taken, strict=True)]
            sums = {key: sum((Decimal(row.get(key, 0)) for row in more), start=Decimal(0)) for key in limits}
            assert any(sums[key] > limits[key] for key in limits)

    anyio.run(main)


@given(budgets, st.lists(st.tuples(st.lists(claims(), min_size=1, max_size=3), st.integers(0, 100)), max_size=8))
def test_calls_at_once_pass_no_limit_together(limits: dict[str, Any], batches: list[tuple[list[Claim], int]]) -> None:
    """Tasks reserve, wait and settle at once; whatever their order, spent and reserved stay within the limit."""

    async def main() -> None:
        account = LocalAccount(Budget(limits))

        async def work(wanted: list[Claim], percent: int) -> None:
            try:
                taken = await account.reserve(wanted)
            except BudgetExceeded:
                return
            for row in account.balance().values():
                assert row["spent"] + row["reserved"] <= row["limit"]
            await anyio.lowlevel.checkpoint()
            for reservation in taken:
                part = {key: amount * percent // 100 for key, amount in reservation.amounts.items()}
                await account.settle(reservation, part)

        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                for wanted, percent in batches:
                    group.start_soon(work, wanted, percent)
        for row in account.balance().values():
            assert row["reserved"] == 0
            assert row["spent"] <= row["limit"]

    anyio.run(main)


# -- waiting ---------------------------------------------------------------------------------------


def test_a_call_waits_for_open_calls_before_it_is_refused() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        first = await one(account, claim(80))
        got: list[str] = []

        async def second() -> None:
            await account.settle(await one(account, claim(50)), {"tokens": 50})
            got.append("second")

        async with anyio.create_task_group() as group:
            group.start_soon(second)
            await anyio.wait_all_tasks_blocked()
            assert got == []
            await account.settle(first, {"tokens": 20})
        assert got == ["second"]

    anyio.run(main)


def test_it_is_refused_when_what_is_open_gave_nothing_back() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        first = await one(account, claim(80))

        async def second() -> None:
            with pytest.raises(BudgetExceeded):
                await one(account, claim(50))

        with anyio.fail_after(2):
            async with anyio.create_task_group() as group:
                group.start_soon(second)
                await anyio.wait_all_tasks_blocked()
                await account.settle(first, {"tokens": 80})

    anyio.run(main)


def test_those_who_came_first_are_served_first() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=10))
        holder = await one(account, claim(10))
        order: list[int] = []

        async def waiter(number: int) -> None:
            taken = await one(account, claim(10))
            order.append(number)
            await anyio.lowlevel.checkpoint()
            await account.settle(taken, {"tokens": 0})

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(waiter, number)
                await anyio.wait_all_tasks_blocked()
            await account.settle(holder, {"tokens": 0})
        assert order == list(range(6))

    anyio.run(main)


def test_nobody_waits_for_the_call_it_is_made_in() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        outer = await one(account, claim(80))
        with anyio.fail_after(1), pytest.raises(BudgetExceeded):
            await one(account, claim(50), under=outer)

    anyio.run(main)


def test_two_calls_that_wait_inside_each_other_are_refused_not_stuck() -> None:
    """Both outer calls hold tokens, both inner calls want more: nothing can come back, so nobody waits."""

    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        refused: list[int] = []

        async def nested(number: int) -> None:
            outer = await one(account, claim(45))
            await anyio.lowlevel.checkpoint()
            try:
                inner = await one(account, claim(20), under=outer)
                await account.settle(inner, {"tokens": 1})
            except BudgetExceeded:
                refused.append(number)
            await account.settle(outer, {"tokens": 45})

        with anyio.fail_after(2):
            async with anyio.create_task_group() as group:
                group.start_soon(nested, 1)
                group.start_soon(nested, 2)
        assert refused
        assert account.balance()["tokens"]["reserved"] == 0
        assert account.spent["tokens"] <= 100

    anyio.run(main)


def test_a_refusal_inside_a_call_leaves_those_waiting_outside_waiting_for_it() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        outer = await one(account, claim(90))
        refused: list[str] = []

        async def wants(name: str, under: Reservation | None) -> None:
            try:
                await one(account, claim(20), under=under)
            except BudgetExceeded:
                refused.append(name)

        with anyio.fail_after(2):
            async with anyio.create_task_group() as group:
                group.start_soon(wants, "outside", None)
                await anyio.wait_all_tasks_blocked()
                group.start_soon(wants, "inside", outer)
                await anyio.wait_all_tasks_blocked()
                assert refused == ["inside"]
                await account.settle(outer, {"tokens": 90})
        assert refused == ["inside", "outside"]

    anyio.run(main)


def test_a_cancelled_waiter_leaves_nothing() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        first = await one(account, claim(80))
        outer = await one(account, claim(5))

        async def waits() -> None:
            await one(account, claim(50), under=outer)

        async with anyio.create_task_group() as group:
            group.start_soon(waits)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert not account._waiters
        assert outer.blocked == 0
        await account.settle(first, {})
        await account.settle(outer, {})
        assert account.remaining() == {"tokens": 100}

    anyio.run(main)


# -- slices ----------------------------------------------------------------------------------------


def test_a_slice_is_set_aside_and_gives_back_what_it_leaves() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100, usd=1))
        child = await account.slice(Budget(tokens=60))
        assert account.remaining()["tokens"] == 40
        assert child.remaining() == {"tokens": 60, "usd": 1}
        with pytest.raises(BudgetExceeded):
            await one(child, claim(70))
        await child.settle(await one(child, claim(50, usd=Decimal("0.5"))), {"tokens": 10, "usd": Decimal("0.25")})
        await child.close()
        await child.close()
        assert account.balance()["tokens"] == {"limit": 100, "spent": 10, "reserved": 0, "kept": 0}
        assert account.balance()["usd"]["spent"] == Decimal("0.25")
        with pytest.raises(InputError, match="closed"):
            await one(child, claim(1))

    anyio.run(main)


def test_a_slice_gets_no_more_than_there_is() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        await one(account, claim(70))
        child = await account.slice(Budget(tokens=60, usd="0.5"))
        assert child.remaining() == {"tokens": 30, "usd": Decimal("0.5")}
        with pytest.raises(BudgetExceeded):
            await account.slice(Budget(tokens=1))

    anyio.run(main)


def test_slices_left_open_are_closed_with_their_parent() -> None:
    """A method that was stopped in the middle never closes its children; what they spent still counts."""

    async def main() -> None:
        shop = LocalAccount(Budget(tokens=100))
        run = await shop.slice(Budget(tokens=80))
        child = await run.slice(Budget(tokens=40))
        await child.settle(await one(child, claim(30)), {"tokens": 30})
        await run.close()
        assert run.balance()["tokens"]["spent"] == 30
        assert shop.balance()["tokens"] == {"limit": 100, "spent": 30, "reserved": 0, "kept": 0}

    anyio.run(main)


def test_a_call_that_outlives_its_slice_is_still_counted() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100))
        child = await account.slice(Budget(tokens=60))
        late = await one(child, claim(50))
        await child.close()
        assert account.remaining() == {"tokens": 50}
        await child.settle(late, {"tokens": 45})
        assert account.balance()["tokens"] == {"limit": 100, "spent": 45, "reserved": 0, "kept": 0}

    anyio.run(main)


def test_a_settled_call_in_a_slice_wakes_those_who_wait_above() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(usd=1))
        child = await account.slice(Budget(tokens=60))
        inside = await one(child, Claim("c", {"usd": Decimal(1)}))
        got: list[str] = []

        async def above() -> None:
            await one(account, Claim("c", {"usd": Decimal(1)}))
            got.append("above")

        async with anyio.create_task_group() as group:
            group.start_soon(above)
            await anyio.wait_all_tasks_blocked()
            await child.settle(inside, {})
        assert got == ["above"]

    anyio.run(main)


def test_the_last_slice_is_kept_until_it_is_asked_for() -> None:
    async def main() -> None:
        account = LocalAccount(Budget(tokens=100, model_calls=3, usd="0.5"), last_share=Decimal("0.1"))
        assert account.remaining() == {"tokens": 90, "model_calls": 2, "usd": Decimal("0.45")}
        await account.settle(await one(account, claim(90)), {"tokens": 90})
        with pytest.raises(BudgetExceeded):
            await one(account, claim(1))
        assert account.bears(claim(10))
        assert not account.bears(claim(11))
        await account.settle(await one(account, claim(10), last=True), {"tokens": 10})
        assert account.balance()["tokens"] == {"limit": 100, "spent": 100, "reserved": 0, "kept": 10}

    anyio.run(main)


def test_a_budget_of_one_call_keeps_none_back() -> None:
    assert LocalAccount(Budget(model_calls=1), last_share=Decimal("0.1")).remaining() == {"model_calls": 1}


@given(budgets, st.lists(claims(), max_size=6), st.integers(0, 5000))
def test_a_tree_of_slices_passes_no_limit(limits: dict[str, Any], wanted: list[Claim], part: int) -> None:
    async def main() -> None:
        account = LocalAccount(Budget(limits))
        try:
            child = await account.slice(Budget(tokens=part))
            grandchild = await child.slice(Budget(tokens=max(part // 2, 1)))
        except BudgetExceeded:
            return
        nodes = [account, child, grandchild]
        for number, item in enumerate(wanted):
            try:
                taken = await nodes[number % 3].reserve([item])
            except BudgetExceeded:
                continue
            await taken[0].account.settle(taken[0], taken[0].amounts)
            for node in nodes:
                assert all(row["spent"] + row["reserved"] <= row["limit"] for row in node.balance().values())
        await grandchild.close()
        await child.close()
        assert all(row["reserved"] == 0 for row in account.balance().values())

    anyio.run(main)
