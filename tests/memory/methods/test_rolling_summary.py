"""A rolling summary: written anew every few turns, the turns since then word for word."""

from __future__ import annotations

import pytest

from tests.support.memories import SAID, TURNS, keeps_its_promises, said

pytestmark = pytest.mark.anyio


async def test_it_keeps_the_promises_of_a_memory() -> None:
    await keeps_its_promises("rolling-summary", every=2)


async def test_a_summary_stands_for_the_turns_before_it() -> None:
    text, sources = await said("rolling-summary", "x", every=5)
    assert text.splitlines() == [f"Summary: {SAID}", "small talk number 10", "small talk number 11"]
    assert sources == tuple(f"t{number}" for number in range(TURNS)), "a summary names all that it was made of"
