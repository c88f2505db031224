"""The ledger against the bill, fault by fault: `python -m scrimp.testing.billing.matrix`.

Each row runs real doors (a Context, an adapter, an account with a dollar limit, a journal on disk) against the server
and asks: is the ledger never below the bill, and equal to it where the final usage arrived and was right? The excess
of the ledger is printed. Any broken row makes the exit status 1.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import anyio

from scrimp.core.money import plain
from scrimp.testing.billing.cases import Case, cases
from scrimp.testing.billing.client import BillingServer, BillShown
from scrimp.testing.billing.runs import Outcome, run_case
from scrimp.testing.prices import RATES

PRICES = {
    "fresh": str(RATES.input), "cached": str(RATES.cached_input), "written": str(RATES.cache_write),
    "output": str(RATES.output),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What one case came to. `problems` is empty where everything held."""

    case: Case
    bill: BillShown
    outcome: Outcome
    problems: tuple[str, ...]

    @property
    def excess(self) -> Decimal:
        """Dollars that the ledger is above the bill."""
        return self.outcome.dollars - self.bill.dollars

    @property
    def excess_tokens(self) -> int:
        """Tokens that the ledger is above the bill."""
        return self.outcome.usage.total - self.bill.total

    @property
    def verdict(self) -> str:
        """equal, above, FAIL; or why the ledger may be below: stated, in flight."""
        if self.problems:
            return "FAIL"
        if self.case.expected in ("stated", "in flight") and self.excess < 0:
            return self.case.expected
        return "above" if self.excess or self.excess_tokens else "equal"

    @property
    def where(self) -> str:
        """Format, and how it was answered."""
        worst = ", 1 B/token" if self.case.size == 1 else ""
        return f"{self.case.format} {'whole' if self.case.whole else 'stream'}{worst}"


def judge(case: Case, bill: BillShown, outcome: Outcome) -> tuple[str, ...]:
    """What did not hold."""
    problems = list(outcome.problems)
    used = outcome.usage
    same = (used.input, used.cached_input, used.cache_write, used.output) == (
        bill.tokens["fresh"], bill.tokens["cached"], bill.tokens["written"] + bill.tokens["written_hour"],
        bill.tokens["output"],
    )  # fmt: skip
    if case.expected == "equal" and not (same and outcome.dollars == bill.dollars):
        problems.append(f"not equal: billed {bill.tokens}, ledger {used.to_json()}")
    if case.expected == "above" and (outcome.dollars < bill.dollars or used.total < bill.total):
        problems.append(f"below the bill of {bill.dollars}: {outcome.dollars}")
    if case.expected == "above" and used.output < bill.tokens["output"]:
        problems.append(f"fewer output tokens ({used.output}) than billed ({bill.tokens['output']})")
    if outcome.charged != outcome.dollars:
        problems.append(f"the account was charged {outcome.charged}, the ledger says {outcome.dollars}")
    if outcome.limit is not None and bill.dollars > outcome.limit:
        problems.append(f"the bill passes the budget of {outcome.limit}")
    if bill.open:
        problems.append("a request was still open at the server")
    return tuple(problems)


def run(rows: Sequence[Case], folder: Path, key: str = "") -> list[Row]:
    """Run cases against one server; journals are written below `folder`."""
    results: list[Row] = []
    with BillingServer(prices=PRICES, key=key) as server:
        for number, case in enumerate(rows):
            server.control(reset=True, size=case.size, whole=case.whole)
            outcome = anyio.run(run_case, case, server, folder / f"{number:03d}.sqlite", key)
            bill = server.bill()
            results.append(Row(case, bill, outcome, judge(case, bill, outcome)))
    return results


def table(rows: Sequence[Row]) -> str:
    """The rows as text, one line each, and what broke below them."""
    head = ("fault", "format", "billed", "ledger", "bill $", "ledger $", "excess $", "verdict")
    body = [
        (row.case.name, row.where, str(row.bill.total), str(row.outcome.usage.total), plain(row.bill.dollars),
         plain(row.outcome.dollars), plain(row.excess) if row.excess else "0", row.verdict)
        for row in rows
    ]  # fmt: skip
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, 1, 7) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (head, *body)
    ]
    lines.insert(1, "-" * len(lines[0]))
    lines += [f"FAIL {row.case.name} ({row.where}): {problem}" for row in rows for problem in row.problems]
    counts = {
        name: sum(row.verdict == name for row in rows) for name in ("equal", "above", "stated", "in flight", "FAIL")
    }
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    return "\n".join([*lines, f"{len(rows)} rows: {told}; tokens and dollars are of the whole run of each row"])


def main() -> int:
    """Print the table; 1 where a row failed."""
    parser = argparse.ArgumentParser(prog="python -m scrimp.testing.billing.matrix", description=__doc__)
    parser.add_argument("--short", action="store_true", help="ten faults instead of all")
    parser.add_argument("--only", default="", help="only faults whose name holds this")
    options = parser.parse_args()
    logging.getLogger("scrimp").setLevel(logging.ERROR)  # the warnings about each faulty server are the point here
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SCRIMP_HOME"] = folder  # of this process: nothing of the user's is touched
        wanted = [case for case in cases(short=options.short) if options.only in case.name]
        rows = run(wanted, Path(folder))
    sys.stdout.write(table(rows) + "\n")
    return 1 if any(row.problems for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
