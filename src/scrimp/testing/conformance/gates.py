"""What every gate promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scrimp.core.protocols import Decision, Gate, Question
from scrimp.testing.conformance import promises
from scrimp.testing.conformance.promises import require
from scrimp.testing.conformance.scene import Scene, babbles

TEXTS = ("What is the weather in Oslo?", "奥斯陆的天气怎么样？", "Say hello.", "")


async def gate(factory: Callable[[], Gate], scene: Scene | None = None) -> None:
    """Try every promise of a gate.

    Args:
        factory: makes a fresh gate.
        scene: a scene whose script says what this gate's prompts ask for.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    scene = scene or Scene()

    def deciding(text: str) -> promises.Act:
        return lambda bench: factory().decide(Question(text, bench.means.tools), bench.ctx.child("tools"))

    await promises.all_of_them(deciding(TEXTS[0]), scene)
    for text in TEXTS:
        for tried in (scene, replace(scene, with_tools=False)):
            _is_decision(await promises.metered(deciding(text), tried))
    lost = await promises.survives(deciding(TEXTS[0]), replace(scene, script=babbles), "survives a babbling model")
    if lost is not None:
        _is_decision(lost)


def _is_decision(result: object) -> None:
    require(isinstance(result, Decision), "decides", f"it gave {result!r}, no Decision")
    assert isinstance(result, Decision)
    require(0 <= result.confidence <= 1, "is sure between 0 and 1", f"{result.confidence}")
