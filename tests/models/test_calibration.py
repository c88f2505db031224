"""Estimates that learn, for English and for Chinese."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from scrimp.core.errors import InputError
from scrimp.core.messages import Image, Request, ToolCall, ToolSpec, assistant, system, user
from scrimp.core.usage import Usage
from scrimp.models.calibration import Calibrator, Observed
from scrimp.models.scripted import ScriptedModel
from scrimp.models.tokens import by_script, estimate, estimate_request

ENGLISH = "The weather in the north is bad this week, so people stay at home and read a book or call a friend. "
CHINESE = "这个星期北方的天气不好，所以人们都待在家里看书，或者给朋友打电话，请他们喝茶。"
NUMBERS = "3.14159, 2026-11-23 03:45:12, 1,234,567.89; 12% of 345 = 41.4 "


def truth(text: str) -> int:
    """A vocabulary that spends 2.5 times the estimate on Chinese, as small English ones do, and 1.2 on English."""
    latin, cjk, marks, other = by_script(text)
    return round(1.2 * latin + 2.5 * cjk + 0.9 * marks + other)


def learned(rounds: int = 60) -> Calibrator:
    calibrator = Calibrator()
    for number in range(1, rounds + 1):
        parts = [ENGLISH * (number % 4 + 1), CHINESE * (number % 3), NUMBERS * (number % 2)]
        request = Request((system(parts[0]), user(parts[1] + parts[2] + "x")))
        frame = 3 + 4 * 2
        calibrator.observe("m", request, Usage(sum(truth(message.text) for message in request.messages) + frame))
    return calibrator


def test_before_anything_is_learned_it_is_the_plain_estimate() -> None:
    calibrator = Calibrator()
    assert calibrator.estimate("m", CHINESE) == estimate(CHINESE)
    request = Request((user(ENGLISH), assistant("", [ToolCall("1", "f", {"q": CHINESE})])),
                      (ToolSpec("f", "d", {"type": "object"}),), schema={"type": "object"})  # fmt: skip
    assert calibrator.estimate_request("m", request) == pytest.approx(estimate_request(request), rel=0.05)
    assert calibrator.estimate("m", "") == 0


@pytest.mark.parametrize("text", [ENGLISH * 3, CHINESE * 3, NUMBERS * 5, ENGLISH + CHINESE])
def test_it_learns_each_script_by_itself(text: str) -> None:
    calibrator = learned()
    assert calibrator.estimate("m", text) == pytest.approx(truth(text), rel=0.1)
    assert abs(calibrator.estimate("m", CHINESE) - truth(CHINESE)) < abs(estimate(CHINESE) - truth(CHINESE)) / 4
    assert calibrator.estimate("other", text) == estimate(text)
    assert calibrator.estimator("m")(text) == calibrator.estimate("m", text)


def test_one_odd_observation_moves_little_and_none_moves_far() -> None:
    calibrator = Calibrator()
    calibrator.observe_text("m", ENGLISH, 2000)
    assert calibrator.estimate("m", ENGLISH) < 3 * estimate(ENGLISH)
    for _ in range(500):
        calibrator.observe_text("m", ENGLISH, 10**6)
    assert max(calibrator.factors("m")) == 8.0
    calibrator.observe_text("m", "", 5)
    calibrator.observe("m", Request((user("x"),)), Usage())


def test_pictures_are_not_learned_as_words() -> None:
    calibrator = Calibrator()
    request = Request((user(ENGLISH, Image(data="x", width=512, height=512)),))
    for _ in range(30):
        calibrator.observe("m", request, Usage(estimate(ENGLISH) + 7 + 255))
    assert calibrator.factors("m") == pytest.approx([1.0] * 5, abs=0.05)


def test_what_was_learned_can_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "calibration.json"
    calibrator = learned(10)
    calibrator.save(path)
    assert Calibrator.load(path).factors("m") == calibrator.factors("m")
    assert Calibrator.load(tmp_path / "none.json").factors("m") == [1.0] * 5
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="learned anew"):
        Calibrator.load(path)


def test_calls_teach_it() -> None:
    calibrator = Calibrator()
    model = Observed(ScriptedModel([CHINESE] * 3), calibrator)

    async def run() -> None:
        for _ in range(3):
            _ = [delta async for delta in model.stream(Request((user(ENGLISH),), max_output=200))]

    asyncio.run(run())
    assert calibrator._fits["scripted"].seen == 6
    assert model.bound(Request((user("x"),), max_output=5)).output == 5
