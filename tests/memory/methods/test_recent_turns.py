"""Recent turns: the last ones, whatever is asked."""

from __future__ import annotations

import pytest

from tests.support.memories import keeps_its_promises, said

pytestmark = pytest.mark.anyio


async def test_it_keeps_the_promises_of_a_memory() -> None:
    await keeps_its_promises("recent-turns")


async def test_it_shows_the_last_ones() -> None:
    assert (await said("recent-turns", "x", turns=3))[1] == ("t9", "t10", "t11")
