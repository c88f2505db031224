"""The driver's desk: who may speak to it, and how it hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from scrimp.core.budget import Budget, LocalAccount
from scrimp.core.errors import OutsideError
from scrimp.evaluate.executors.desk import Desk
from scrimp.evaluate.executors.wire import Address, Line
from scrimp.journal.journal import Journal


async def told(path: Path, as_who: Callable[[Address], Address]) -> tuple[Any, list[dict[str, Any]]]:
    """What a worker that stays on the line was answered, and what the event loop complained of."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: complaints.append(found))

    def ask(line: Line) -> Any:
        try:
            return line.ask("tell", 0, "remaining")
        except OutsideError as error:
            return str(error)

    with closing(Journal(path / "journal.sqlite")) as journal:
        desk = Desk(journal)
        address = await desk.open(LocalAccount(Budget({"tokens": 100})))
        with closing(await asyncio.to_thread(Line, as_who(address))) as line:
            answer = await asyncio.to_thread(ask, line)
            await desk.close(address)
            await desk.aclose()
            await asyncio.sleep(0.05)
    return answer, complaints


def test_it_answers_and_hangs_up_without_complaint(tmp_path: Path) -> None:
    assert asyncio.run(told(tmp_path, lambda address: address)) == ({"tokens": 100}, [])


def test_a_stranger_is_not_answered(tmp_path: Path) -> None:
    answer, complaints = asyncio.run(told(tmp_path, lambda address: replace(address, token=bytes(len(address.token)))))
    assert answer.startswith("the driver of the experiment is gone")
    assert complaints == []
