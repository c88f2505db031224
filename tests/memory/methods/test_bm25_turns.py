"""Turns by BM25, in two languages."""

from __future__ import annotations

import pytest

from tests.support.memories import QUESTIONS, keeps_its_promises, said

pytestmark = pytest.mark.anyio


async def test_it_keeps_the_promises_of_a_memory() -> None:
    await keeps_its_promises("bm25-turns")


async def test_what_is_asked_about_is_found_in_both_languages() -> None:
    for question, source in QUESTIONS:
        assert (await said("bm25-turns", question, k=1))[1] == (source,)
