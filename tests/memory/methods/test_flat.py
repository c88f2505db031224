"""Flat memory: turns by words, by embedding and by both, in two languages."""

from __future__ import annotations

import pytest

from tests.support.memories import QUESTIONS, keeps_its_promises, said

pytestmark = pytest.mark.anyio


WAYS = ("embedding", "words", "both")


@pytest.mark.parametrize("by", WAYS)
async def test_it_keeps_the_promises_of_a_memory(by: str) -> None:
    await keeps_its_promises("flat", by=by)


@pytest.mark.parametrize("by", WAYS)
async def test_what_is_asked_about_is_found_in_both_languages(by: str) -> None:
    for question, source in QUESTIONS:
        assert (await said("flat", question, k=1, by=by))[1] == (source,)
