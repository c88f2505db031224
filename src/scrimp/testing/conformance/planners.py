"""What every planner promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from scrimp.core.errors import ModelFailed
from scrimp.core.protocols import Planner
from scrimp.core.task import Answer, Task
from scrimp.testing.conformance import promises
from scrimp.testing.conformance.promises import require
from scrimp.testing.conformance.scene import Scene, asks_for_unknown_tools, babbles
from scrimp.testing.harness import Bench

TEXT = "Find what is known about the rain, then add 2 and 3. 今天会下雨吗？"


async def planner(factory: Callable[[], Planner], scene: Scene | None = None) -> None:
    """Try every promise of a planner.

    Args:
        factory: makes a fresh planner.
        scene: a scene whose script says what this planner's prompts ask for, where JSON by their schemas, tool
            calls and a sentence are not enough.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    scene = scene or Scene()

    def solving(task: Task) -> Callable[[Bench], Awaitable[Answer]]:
        return lambda bench: factory().solve(replace(task, tools=bench.means.tools), bench.ctx)

    task = Task("conformance", TEXT)
    act = solving(task)
    _is_answer(await promises.metered(act, scene), "solves a task")
    await promises.all_of_them(act, scene)
    await promises.within_budget(act, scene, judge=_is_partial)
    await _empty(solving, scene)
    await _answers_with_calls(solving, scene)
    promise = "survives a call of an unknown tool"
    _is_answer(await promises.survives(act, replace(scene, script=asks_for_unknown_tools), promise), promise)
    await promises.survives(act, replace(scene, script=babbles), "survives a model that keeps to no form")
    promise = "survives tools that fail"
    _is_answer(await promises.survives(act, replace(scene, failing=True), promise), promise)
    await _passes_on_failures(solving, scene)


def _is_answer(result: object, promise: str) -> None:
    require(isinstance(result, Answer), promise, f"it gave {result!r}, no Answer")


def _is_partial(result: object, limits: str) -> None:
    require(
        isinstance(result, Answer) and result.partial,
        "an exhausted budget ends in BudgetExceeded or in a partial answer",
        f"with {limits} it gave {result!r}",
    )


async def _empty(solving: Callable[[Task], promises.Act], scene: Scene) -> None:
    nothing = replace(scene, with_tools=False)
    for task, promise in (
        (Task("empty", ""), "takes an empty task"),
        (Task("bare", TEXT), "takes a task without tools"),
    ):
        result = await promises.metered(solving(task), nothing)
        _is_answer(result, promise)


async def _answers_with_calls(solving: Callable[[Task], promises.Act], scene: Scene) -> None:
    staged = scene.stage()
    promise = "answers with the calls where they are asked for, and makes none"
    result = await promises.perform(solving(Task("calls", TEXT, answer_with="calls")), staged, promise)
    _is_answer(result, promise)
    require(not staged.calls, promise, f"it called {staged.calls}")
    require(result.calls, promise, f"it gave {result!r}")
    names = {tool.name for tool in staged.bench.means.tools}
    require({call.name for call in result.calls} <= names, promise, f"it answered with {result.calls}")


async def _passes_on_failures(solving: Callable[[Task], promises.Act], scene: Scene) -> None:
    """A model that fails is told as it is, or overcome; it is never another kind of error."""

    def fails(request: object) -> ModelFailed:
        return ModelFailed("no route to the model", sent=False)

    staged = replace(scene, script=lambda tools: fails).stage()
    promise = "a model that fails ends in ModelFailed"
    try:
        result = await promises.perform(solving(Task("down", TEXT)), staged, promise, allowed=(ModelFailed,))
    except ModelFailed:
        result = Answer(partial=True)
    require(isinstance(result, Answer) and result.partial, promise, f"it gave {result!r}, and no model ever answered")
    promises.books(staged, f"{promise}: ")
