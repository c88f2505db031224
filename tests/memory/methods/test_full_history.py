"""Full history: all of it, or the newest that fit."""

from __future__ import annotations

import pytest

from tests.support.memories import TURNS, keeps_its_promises, said

pytestmark = pytest.mark.anyio


async def test_it_keeps_the_promises_of_a_memory() -> None:
    await keeps_its_promises("full-history")


async def test_it_shows_all_and_under_a_limit_the_newest() -> None:
    text, sources = await said("full-history", "x")
    assert sources == tuple(f"t{number}" for number in range(TURNS))
    assert text.splitlines()[3] == "安娜喜欢喝绿茶"
    text, sources = await said("full-history", "x", limit=20)
    assert sources[-1] == "t11"
    assert "t0" not in sources
