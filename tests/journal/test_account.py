"""A shared account: exact, never passed by several processes together, and a killed one is counted at its worst."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scrimp.journal.sqlite
from scrimp.agent import Agent
from scrimp.core.budget import Account, Budget, Claim, LocalAccount, Reservation
from scrimp.core.errors import BudgetExceeded, InputError, JournalFailed, UnknownName
from scrimp.core.events import ulid
from scrimp.core.system import System
from scrimp.journal.account import SharedAccount
from scrimp.journal.journal import Journal
from scrimp.models.scripted import ScriptedModel
from scrimp.outfit import Parts
from scrimp.testing import PRICES

IN_A_FILE = pytest.mark.parametrize("place", ["file"], indirect=True)


@pytest.fixture
def opened(place: Path | str) -> Iterator[Any]:
    """Opens accounts of the place, and closes them."""
    accounts: list[SharedAccount] = []

    def account(name: str = "项目", *, raised: bool = False, **limits: Any) -> SharedAccount:
        accounts.append(SharedAccount(place, name, Budget(limits), raised=raised))
        return accounts[-1]

    yield account
    for item in accounts:
        anyio.run(item.close)


def child(code: str, place: Path | str, *more: object) -> subprocess.Popen[str]:
    """A process of its own that has `account` open, and lines to talk by."""
    start = (
        "import anyio, json, random, sys\nfrom decimal import Decimal\n"
        "from scrimp.core.budget import *\nfrom scrimp.core.errors import *\n"
        "from scrimp.journal.account import SharedAccount\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    arguments = [sys.executable, "-c", start + code, str(place), *map(str, more)]
    return subprocess.Popen(
        arguments, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=1
    )


# -- the same as in memory -------------------------------------------------------------------------

fine = st.integers(0, 10).map(lambda n: Decimal(n * 100_000_007).scaleb(-9))


@st.composite
def claims(draw: Any) -> Claim:
    output = draw(st.integers(0, 8))
    fixed = {"tokens": draw(st.integers(0, 4)), "usd": draw(fine) / 2}
    return Claim("call", fixed, {"tokens": 1, "usd": draw(fine) / 16}, output, draw(st.integers(0, output)))


limits = st.fixed_dictionaries({}, optional={"tokens": st.integers(2, 24), "usd": fine.map(lambda n: n * 4)})
steps = st.one_of(
    st.tuples(st.just("reserve"), st.lists(claims(), min_size=1, max_size=3)),
    st.tuples(st.just("settle"), st.sampled_from([0, 1, 33, 100])),
    st.tuples(st.just("slice"), limits),
    st.tuples(st.just("close"), st.none()),
)


async def played(account: Account, script: list[tuple[str, Any]]) -> list[Any]:
    """What an account says to a script: caps, refusals and the balance after each step."""
    said: list[Any] = []
    held: list[Reservation] = []
    slices: list[Account] = [account]
    for what, argument in script:
        try:
            with anyio.move_on_after(0) as scope:  # a call that would wait is given up
                if what == "reserve":
                    made = await slices[-1].reserve(argument)
                    held += made
                    said.append([(item.output, item.capped, item.amounts) for item in made])
                elif what == "slice":
                    slices.append(await slices[-1].slice(Budget(argument)))
                    said.append(slices[-1].limits)
                elif what == "settle" and held:
                    call = held.pop(0)
                    spent = {key: amount * argument // 100 for key, amount in call.amounts.items()}
                    await call.account.settle(call, spent)
                elif what == "close" and len(slices) > 1:
                    await slices.pop().close()  # calls in it may be open still
            if scope.cancelled_caught:
                said.append("waits")
        except BudgetExceeded as refusal:
            said.append(str(refusal))
        said.append((account.balance(), slices[-1].balance(), slices[-1].remaining()))
    for call in held:
        await call.account.settle(call, call.amounts)
    said.append(account.balance())
    return said


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limits=limits, script=st.lists(steps, min_size=1, max_size=14))
def test_it_caps_refuses_and_gives_back_as_an_account_in_memory(
    place: Path | str, limits: dict[str, Any], script: list[tuple[str, Any]]
) -> None:
    async def main() -> None:
        name = ulid()
        shared = SharedAccount(place, name, Budget(limits))
        assert await played(shared, script) == await played(LocalAccount(Budget(limits)), script)
        again = SharedAccount(place, name, Budget(limits))
        assert again.balance() == shared.balance()
        await shared.close()
        rows = again._connection.execute("SELECT count(*) FROM holdings").fetchone()[0]
        await again.close()
        assert rows == 0

    anyio.run(main)


def test_amounts_are_exact_to_the_last_digit(opened: Any) -> None:
    account = opened(usd="0.3000000000000000001", tokens=10)

    async def main() -> None:
        for amount in ("0.1", "0.1", "0.1", "0.0000000000000000001"):
            (call,) = await account.reserve([Claim("call", {"usd": Decimal(amount)})])
            await account.settle(call, call.amounts)
        with pytest.raises(BudgetExceeded, match="usd"):
            await account.reserve([Claim("call", {"usd": Decimal("1e-28")})])

    anyio.run(main)
    (text,) = account._connection.execute("SELECT spent FROM balances WHERE key = 'usd'").fetchone()
    assert text == "0.3000000000000000001"
    assert type(account.balance()["tokens"]["limit"]) is int


# -- several of them -------------------------------------------------------------------------------

WORKER = """
account = SharedAccount(sys.argv[1], "a", Budget(usd="1.2", tokens=20000))
dice, total = random.Random(int(sys.argv[2])), {"usd": Decimal(0), "tokens": 0, "refused": 0}

async def call(at):
    claim = Claim("call", {"usd": Decimal(dice.randrange(900)).scaleb(-5), "tokens": dice.randrange(50)},
                  {"tokens": 1}, 100, 10)
    try:
        (held,) = await at.reserve([claim])
    except BudgetExceeded:
        total["refused"] += 1
        return
    for row in account.balance().values():
        assert row["spent"] + row["reserved"] <= row["limit"], row
    await anyio.sleep(dice.random() / 500)
    spent = {key: amount * dice.randrange(100) // 100 for key, amount in held.amounts.items() if key == "tokens"}
    spent["usd"] = held.amounts["usd"] * dice.randrange(100) / 100
    await at.settle(held, spent)
    for key, amount in spent.items():
        total[key] += amount

async def lane():
    for number in range(25):
        if number % 5 == 0:
            try:
                at = await account.slice(Budget(tokens=300), whole=True)
            except BudgetExceeded:
                total["refused"] += 1
                continue
            await call(at)
            await at.close()
        else:
            await call(account)

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(lane)
    await account.close()
    print(json.dumps({key: str(value) for key, value in total.items()}))

anyio.run(main)
"""


def test_processes_together_never_pass_a_limit_and_everything_is_given_back(place: Path | str, opened: Any) -> None:
    workers = [child(WORKER, place, seed) for seed in range(4)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdin is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")  # type: ignore[union-attr]
    said = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    account = opened("a", usd="1.2", tokens=20000)
    for key, row in account.balance().items():
        assert row["spent"] == sum(Decimal(item[key]) for item in said) <= row["limit"]
        assert row["reserved"] == 0
    assert 0 < sum(int(item["refused"]) for item in said) < 400  # the limit was met, and not at once
    assert account.lost() == []


def test_a_call_waits_for_what_another_holds(opened: Any) -> None:
    mine, other = opened(tokens=100), opened(tokens=100)

    async def main() -> None:
        (held,) = await other.reserve([Claim("call", {"tokens": 80})])
        got: list[Reservation] = []

        async def wait() -> None:
            part = await mine.slice(Budget(usd=1))  # tokens are the shared account's
            got.extend(await part.reserve([Claim("call", {"tokens": 50})]))

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.sleep(0.03)
            assert got == []
            await other.settle(held, {"tokens": 40})
        assert mine.balance()["tokens"] == {"limit": 100, "spent": 40, "reserved": 50, "kept": 0}
        await got[0].account.settle(got[0], {})
        assert other.balance()["tokens"] == {"limit": 100, "spent": 40, "reserved": 0, "kept": 0}

    anyio.run(main)


def test_two_that_wait_for_each_other_are_not_left_waiting(opened: Any) -> None:
    mine, other = opened(tokens=100), opened(tokens=100)
    refused: list[int] = []

    async def nested(account: SharedAccount) -> None:
        (outer,) = await account.reserve([Claim("tool", {"tokens": 50})])
        await anyio.sleep(0.01)
        try:
            (inner,) = await account.reserve([Claim("call", {"tokens": 10})], under=outer)
            await account.settle(inner, {})
        except BudgetExceeded:
            refused.append(1)
        await account.settle(outer, {})

    async def main() -> None:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(nested, mine)
                group.start_soon(nested, other)

    anyio.run(main)
    assert len(refused) >= 1
    assert mine.balance()["tokens"]["reserved"] == 0


def test_a_whole_slice_waits_for_another_process_slice(opened: Any) -> None:
    mine, other = opened(tokens=100), opened(tokens=100)

    async def main() -> None:
        part = await other.slice(Budget(tokens=70), whole=True)

        async def work() -> None:
            (call,) = await part.reserve([Claim("call", {"tokens": 70})])
            await anyio.sleep(0.03)
            await part.settle(call, {"tokens": 20})
            await part.close()

        async with anyio.create_task_group() as group:
            group.start_soon(work)
            got = await mine.slice(Budget(tokens=60), whole=True)
        assert got.limits == {"tokens": 60}
        assert (await other.slice(Budget(tokens=60))).limits == {"tokens": 20}  # not whole: what is left

    anyio.run(main)


# -- faults ----------------------------------------------------------------------------------------

VICTIM = """
async def main():
    account = SharedAccount(sys.argv[1], "a", Budget(tokens=100))
    (done,) = await account.reserve([Claim("call", {"tokens": 30})])
    await account.settle(done, {"tokens": 5})
    await account.reserve([Claim("呼叫", {"tokens": 40})])
    print("held", flush=True)
    await anyio.sleep(60)

anyio.run(main)
"""


def test_what_a_killed_process_held_counts_as_spent_until_settled_by_hand(place: Path | str, opened: Any) -> None:
    victim = child(VICTIM, place)
    assert victim.stdout is not None
    assert victim.stdout.readline() == "held\n"
    account = opened("a", tokens=100)
    assert account.balance()["tokens"] == {"limit": 100, "spent": 5, "reserved": 40, "kept": 0}

    async def main() -> None:
        async with anyio.create_task_group() as group:
            with anyio.move_on_after(0.03) as scope:  # it lives, so one waits for it
                await account.reserve([Claim("call", {"tokens": 60})])
            assert scope.cancelled_caught
            group.start_soon(anyio.to_thread.run_sync, victim.kill)
            with pytest.raises(BudgetExceeded):
                await account.reserve([Claim("call", {"tokens": 60})])

    anyio.run(main)
    assert victim.wait() == -signal.SIGKILL
    victim.communicate()
    assert account.balance()["tokens"] == {"limit": 100, "spent": 45, "reserved": 0, "kept": 0}
    (lost,) = account.lost()
    assert (lost.what, lost.amounts) == ("呼叫", {"tokens": 40})
    assert opened("a", tokens=100).balance()["tokens"]["spent"] == 45
    with pytest.raises(UnknownName):
        account.settle_lost("nobody", Budget())
    account.settle_lost(lost.id, Budget(tokens=7))
    assert account.lost() == []
    assert account.balance()["tokens"]["spent"] == opened("a", tokens=100).balance()["tokens"]["spent"] == 12


def test_other_limits_are_refused_unless_raised(opened: Any) -> None:
    first = opened(usd="5", tokens=10)
    assert opened(usd="5.00", tokens=10).limits == first.limits
    with pytest.raises(InputError, match=r"has other limits: tokens=10,usd=5, not tokens=10,usd=6 .*raised=True"):
        opened(usd="6", tokens=10)
    opened(usd="6", tokens=10, raised=True)
    assert first.balance()["usd"]["limit"] == 6  # those that have it open see it
    for bad in ({"usd": "5", "tokens": 10}, {"usd": "7"}):
        with pytest.raises(InputError, match="can only be raised"):
            opened(raised=True, **bad)
    assert opened("another", usd="1").limits == {"usd": 1}
    with pytest.raises(InputError, match="cannot limit seconds"):
        opened(seconds=3)


def test_an_account_opened_before_a_fork_is_refused(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    account = opened(tokens=10)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        for act in (account.balance, account.lost):
            with pytest.raises(InputError, match="open it in each process"):
                act()


@IN_A_FILE
def test_a_closed_or_locked_file_is_one_line(
    place: Path, opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrimp.journal.sqlite, "BUSY_SECONDS", 0.05)
    account = opened(tokens=10)

    async def main() -> None:
        (call,) = await account.reserve([Claim("call", {"tokens": 4})])
        other = sqlite3.connect(place, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalFailed, match=r"scrimp\.sqlite: .*another process is writing"):
            await account.reserve([Claim("call", {"tokens": 1})])
        with pytest.raises(JournalFailed):
            await account.settle(call, {"tokens": 1})
        other.execute("ROLLBACK")
        other.close()
        assert call.open  # nothing was changed
        assert account.balance()["tokens"]["reserved"] == 4
        await account.settle(call, {"tokens": 1})
        (late,) = await account.reserve([Claim("call", {"tokens": 2})])
        await account.close()
        with pytest.raises(InputError, match="closed"):
            await account.reserve([Claim("call", {"tokens": 1})])
        with pytest.raises(JournalFailed, match="closed"):
            await account.settle(late, {})

    anyio.run(main)
    (tmp_path / "text.sqlite").write_text("no database at all, but long enough to look" * 9)
    with pytest.raises(JournalFailed, match="move the file away"):
        SharedAccount(tmp_path / "text.sqlite", "a", Budget())


@IN_A_FILE
def test_a_write_that_fails_halfway_is_made_good_by_the_next(opened: Any) -> None:
    account, other = opened(tokens=1000), opened(tokens=1000)

    async def main() -> None:
        (call,) = await account.reserve([Claim("call", {"tokens": 4})])
        for what in ("INSERT", "DELETE"):
            trigger = f"CREATE TEMP TRIGGER no_{what} BEFORE {what} ON main.holdings"
            account._connection.execute(f"{trigger} BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
        with pytest.raises(JournalFailed, match="free some space"):
            await account.reserve([Claim("call", {"tokens": 8})])
        assert account.balance()["tokens"]["reserved"] == 4
        with pytest.raises(JournalFailed, match="free some space"):
            await account.settle(call, {"tokens": 3})
        assert other.balance()["tokens"] == {"limit": 1000, "spent": 0, "reserved": 4, "kept": 0}
        for what in ("INSERT", "DELETE"):
            account._connection.execute(f"DROP TRIGGER no_{what}")
        await account.charge({})
        assert other.balance()["tokens"] == {"limit": 1000, "spent": 3, "reserved": 0, "kept": 0}

    anyio.run(main)


# -- through an agent ------------------------------------------------------------------------------


def test_agents_share_an_account(tmp_path: Path, opened: Any) -> None:
    account = opened(usd="5", model_calls=3)
    parts = Parts(models={"main": ScriptedModel(lambda request: "an answer")}, prices=PRICES)
    journal = Journal(tmp_path / "journal.sqlite")
    system = System(model="scripted", planner="react")
    agent = Agent(system, parts=parts, journal=journal, budget=Budget(usd="1", tokens=100_000))

    async def main() -> list[Any]:
        return [await agent.arun(f"问题 {number}", account=account) for number in range(4)]

    results = anyio.run(main)
    assert [result.status for result in results] == ["done", "done", "done", "budget"]
    cost = sum(result.ledger.total.cost.amount for result in results)
    assert account.balance()["usd"] == {"limit": 5, "spent": cost, "reserved": 0, "kept": 0}
    assert cost > 0
    assert account.balance()["model_calls"]["spent"] == 3
    journal.close()
