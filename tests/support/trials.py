"""Randomised trials of many calls at once on one budget, for tests/faults/test_budget_trials.py.

A trial is drawn from a seed: limits, and calls with lengths, failures, cancellations, streams cut off inside, nested
calls, nested slices and batches. The same trial runs on the account of scrimp and on one that checks after spending, as
most do: before a call it looks whether the limit is already passed, and afterwards it adds what was spent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

import anyio

from scrimp.core.budget import Amount, Budget, LocalAccount, Reservation
from scrimp.core.errors import BudgetExceeded
from scrimp.core.pot import Claim

CALLS = 64
INPUT, OUTPUT = Decimal("0.0000003"), Decimal("0.0000012")


@dataclass(frozen=True)
class Call:
    """What a call will do, and how it `ends`: ok, failed (not billed), lost (billed, nobody knows what), cancelled."""

    start: float
    seconds: float
    prompt: int
    cap: int
    least: int
    written: int
    tool: str
    ends: str
    inside: tuple[Call, ...] = ()
    share: float = 0.0  # above 0: what is inside runs on a slice of this share of the limits
    batch: int = 1

    def claim(self) -> Claim:
        fixed: dict[str, Amount] = {"model_calls": 1, "tokens": self.prompt, "usd": INPUT * self.prompt}
        if self.tool:
            fixed = {"tool_calls": 1, f"tool_calls.{self.tool}": 1, "usd": INPUT * self.prompt}
            return Claim("tool", fixed)
        return Claim("model", fixed, {"tokens": 1, "usd": OUTPUT}, self.cap, self.least)

    def spends(self, output: int) -> dict[str, Amount]:
        """What is billed in the end, at an output cap."""
        if self.ends == "failed":
            return {"model_calls": 1} if not self.tool else {"tool_calls": 1, f"tool_calls.{self.tool}": 1}
        if self.ends in ("lost", "cancelled"):
            return self.claim().amounts(output)
        if self.tool:
            return dict(self.claim().fixed)
        return {
            "model_calls": 1,
            "tokens": self.prompt + min(self.written, output),
            "usd": INPUT * self.prompt + OUTPUT * min(self.written, output),
        }


def draw(seed: int) -> tuple[Budget, list[Call]]:
    """A trial: limits that about half of the calls would exhaust, and the calls."""
    rng = Random(seed)
    calls = [_call(rng, 0) for _ in range(CALLS)]
    scale = rng.uniform(0.15, 1.2)
    usd = sum((call.spends(call.cap)["usd"] for call in calls if "usd" in call.spends(call.cap)), start=Decimal(0))
    limits: dict[str, Amount] = {"usd": Decimal(str(round(float(usd) * scale, 6)))}
    if rng.random() < 0.5:
        limits["tokens"] = int(sum(call.prompt + call.cap for call in calls) * rng.uniform(0.2, 1.0))
    if rng.random() < 0.4:
        limits["model_calls"] = rng.randrange(5, 80)
    if rng.random() < 0.4:
        limits["tool_calls.search"] = rng.randrange(1, 12)
    return Budget(limits), calls


def _call(rng: Random, depth: int) -> Call:
    tool = rng.choice(("search", "book")) if rng.random() < 0.3 else ""
    inside: tuple[Call, ...] = ()
    if tool and depth < 2 and rng.random() < 0.4:
        inside = tuple(_call(rng, depth + 1) for _ in range(rng.randrange(1, 4)))
    cap = rng.choice((64, 256, 1024, 4096))
    return Call(
        start=rng.uniform(0, 20),
        seconds=rng.expovariate(0.5),
        prompt=rng.randrange(20, 4000),
        cap=0 if tool else cap,
        least=0 if tool else min(16, cap),
        written=rng.randrange(1, cap + 1),
        tool=tool,
        ends=rng.choices(("ok", "failed", "lost", "cancelled"), (80, 8, 6, 6))[0],
        inside=inside,
        share=rng.uniform(0.02, 0.3) if inside and rng.random() < 0.5 else 0.0,
        batch=rng.randrange(2, 5) if not inside and rng.random() < 0.1 else 1,
    )


@dataclass
class Outcome:
    """What a trial came to."""

    calls: int = 0
    refused: int = 0
    too_soon: int = 0  # refused although what was open would have given back enough
    overshoot: float = 0.0  # how far past a limit, as a share of it
    leaks: int = 0
    used: float = 0.0  # spent dollars as a share of the limit


@dataclass(eq=False)
class _Live:
    """An open call, as the trial itself keeps books: what it holds and what it will spend."""

    amounts: Mapping[str, Amount]
    spends: Mapping[str, Amount]
    around: tuple[_Live, ...]
    account: LocalAccount
    waiting: int = 0


@dataclass
class Trial:
    """One trial on scrimp's account."""

    budget: Budget
    calls: Sequence[Call]
    outcome: Outcome = field(default_factory=Outcome)
    live: dict[_Live, None] = field(default_factory=dict)

    async def go(self) -> Outcome:
        account = LocalAccount(self.budget)
        async with anyio.create_task_group() as group:
            for call in self.calls:
                group.start_soon(self._one, call, account, None, ())
        self.outcome.leaks = sum(1 for key in account.limits if account.reserved[key] != 0) + len(account._open)
        self._watch(account)
        self.outcome.used = float(account.spent["usd"] / account.limits["usd"]) if account.limits["usd"] else 0.0
        await account.close()
        return self.outcome

    async def _one(
        self, call: Call, account: LocalAccount, under: Reservation | None, around: tuple[_Live, ...]
    ) -> None:
        await anyio.sleep(call.start)
        claims = [call.claim()] * call.batch
        for outer in around:
            outer.waiting += 1
        try:
            reservations = await account.reserve(claims, under=under)
        except BudgetExceeded as refusal:
            self.outcome.refused += len(claims)
            self._judge(refusal, account, around)
            return
        finally:
            for outer in around:
                outer.waiting -= 1
        self._watch(account)
        self.outcome.calls += len(claims)
        mine = [_Live(r.amounts, call.spends(r.output), around, account) for r in reservations]
        self.live.update(dict.fromkeys(mine))
        try:
            await self._act(call, account, reservations[0], (*around, mine[0]))
        finally:
            for reservation, item in zip(reservations, mine, strict=True):
                del self.live[item]
                await account.settle(reservation, call.spends(reservation.output))
            self._watch(account)

    async def _act(self, call: Call, account: LocalAccount, own: Reservation, around: tuple[_Live, ...]) -> None:
        """Half of its time, what is inside of it, the other half; or less, where somebody cuts it off."""
        with anyio.move_on_after(call.seconds * 0.7 if call.ends == "cancelled" else float("inf")):
            await anyio.sleep(call.seconds / 2)
            inner = account
            if call.share:
                limits = {"usd": Decimal(str(round(float(self.budget.limits["usd"]) * call.share, 6)))}
                try:
                    inner = await account.slice(Budget(limits))
                except BudgetExceeded:
                    return
            try:
                async with anyio.create_task_group() as group:
                    for child in call.inside:
                        group.start_soon(self._one, child, inner, own, around)
            finally:
                if inner is not account:
                    self._watch(inner)
                    await inner.close()
            await anyio.sleep(call.seconds / 2)

    def _watch(self, account: LocalAccount) -> None:
        """No limit of this account, or of one it is a slice of, is passed by what is spent and reserved."""
        for pot in account._above():
            for key, limit in pot.limits.items():
                taken = pot.spent[key] + pot.reserved[key]
                if taken > limit:
                    self.outcome.overshoot = max(self.outcome.overshoot, float((taken - limit) / (limit or 1)))

    def _judge(self, refusal: BudgetExceeded, account: LocalAccount, around: tuple[_Live, ...]) -> None:
        """Was it too soon? Count what calls that run, and that we are not inside of, are about to give back."""
        key, owner = refusal.key, account.owner(refusal.key)
        if owner is None:
            self.outcome.too_soon += 1
            return
        back = sum(
            (
                item.amounts.get(key, 0) - item.spends.get(key, 0)
                for item in self.live
                if not item.waiting and item not in around and item.account.owner(key) is owner
            ),
            start=Decimal(0),
        )
        if Decimal(refusal.needed) <= owner.free(key, False) + back and back > 0:
            self.outcome.too_soon += 1


@dataclass
class AfterTheFact:
    """The same calls on a budget that is checked before a call and charged after it."""

    budget: Budget
    calls: Sequence[Call]
    spent: Counter[str] = field(default_factory=Counter)

    async def go(self) -> Outcome:
        async with anyio.create_task_group() as group:
            for call in self.calls:
                group.start_soon(self._one, call)
        over = [
            float((Decimal(self.spent[key]) - limit) / (limit or 1))
            for key, limit in self.budget.limits.items()
            if self.spent[key] > limit
        ]
        return Outcome(overshoot=max(over, default=0.0))

    async def _one(self, call: Call) -> None:
        await anyio.sleep(call.start)
        if any(self.spent[key] >= limit for key, limit in self.budget.limits.items()):
            return
        await anyio.sleep(call.seconds / 2)
        async with anyio.create_task_group() as group:
            for child in call.inside:
                group.start_soon(self._one, child)
        await anyio.sleep(call.seconds / 2)
        for key, amount in call.spends(call.cap).items():
            self.spent[key] += amount * call.batch  # type: ignore[assignment]


async def both(seed: int) -> tuple[Outcome, Outcome]:
    """A trial on either budget."""
    budget, calls = draw(seed)
    return await Trial(budget, calls).go(), await AfterTheFact(budget, calls).go()
