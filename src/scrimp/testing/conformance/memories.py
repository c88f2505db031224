"""What every long-term memory promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scrimp.core.protocols import Memory, Query, Recall
from scrimp.core.task import Episode
from scrimp.models.tokens import estimate
from scrimp.testing.conformance import promises
from scrimp.testing.conformance.promises import require
from scrimp.testing.conformance.scene import Scene
from scrimp.testing.harness import Bench

EPISODES = (
    Episode("Ann lives in Oslo and has a dog called Bo.", owner="ann", source="talk-1", at=100.0),
    Episode("安娜喜欢喝绿茶，不喜欢咖啡。", owner="ann", source="talk-2", at=200.0),
    Episode("Ann moved from Oslo to Bergen in May.", owner="ann", source="talk-3", at=300.0),
    Episode("The secret word of Ben is zanzibar.", owner="ben", source="talk-4", at=400.0),
)
SECRET = "zanzibar"
LIMIT = 60


async def memory(factory: Callable[[], Memory], scene: Scene | None = None) -> None:
    """Try every promise of a long-term memory.

    Args:
        factory: makes a fresh, empty memory.
        scene: a scene whose script says what this memory's prompts ask for.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    scene = scene or Scene()
    await promises.all_of_them(_life(factory), _with_memory(scene, factory))
    await _keeps_limit(factory, scene)
    await _keeps_owners_apart(factory, scene)
    await _empty(factory, scene)
    await _states_phases(factory, scene)


def _with_memory(scene: Scene, factory: Callable[[], Memory]) -> Scene:
    """The scene with a fresh memory behind the doors of every bench."""
    return replace(scene, fresh={**scene.fresh, "memory": factory})


def _life(factory: Callable[[], Memory]) -> promises.Act:
    """Write, manage and read through the doors; the texts that were recalled."""

    async def act(bench: Bench) -> list[str]:
        for episode in EPISODES:
            await bench.ctx.remember(episode)
        questions = ("Where does Ann live?", "安娜喜欢喝什么？", "")
        return [(await bench.ctx.recall(Query(text, "ann", LIMIT, 500.0))).text for text in questions]

    return act


async def _keeps_limit(factory: Callable[[], Memory], scene: Scene) -> None:
    async def act(bench: Bench) -> list[tuple[int, Recall]]:
        kept = factory()
        ctx = bench.ctx.child("memory")
        for number in range(6):
            for episode in EPISODES:
                await kept.write(Episode(f"{episode.text} ({number})", episode.owner, episode.source, episode.at), ctx)
        await kept.manage(ctx)
        return [
            (limit, await kept.read(Query("Where does Ann live?", "ann", limit), ctx)) for limit in (1, LIMIT, 5000)
        ]

    promise = "recalls text within the limit"
    for limit, recalled in await promises.perform(act, scene.stage(), promise):
        require(isinstance(recalled, Recall), "gives a Recall", f"it gave {recalled!r}")
        size = estimate(recalled.text)
        require(size <= limit, promise, f"{size} tokens, the limit is {limit}")
        known = {episode.source for episode in EPISODES}
        require(set(recalled.sources) <= known, "names sources that were written", f"{recalled.sources}")


async def _keeps_owners_apart(factory: Callable[[], Memory], scene: Scene) -> None:
    async def act(bench: Bench) -> Recall:
        kept, ctx = factory(), bench.ctx.child("memory")
        for episode in EPISODES:
            await kept.write(episode, ctx)
        await kept.manage(ctx)
        return await kept.read(Query("What is the secret word of Ben?", "ann", 1000), ctx)

    promise = "tells nobody what belongs to another owner"
    recalled = await promises.perform(act, scene.stage(), promise)
    require(SECRET not in recalled.text, promise, recalled.text)


async def _empty(factory: Callable[[], Memory], scene: Scene) -> None:
    async def act(bench: Bench) -> Recall:
        kept, ctx = factory(), bench.ctx.child("memory")
        first = await kept.read(Query("Where does Ann live?", "ann", LIMIT), ctx)
        await kept.manage(ctx)
        await kept.write(Episode(""), ctx)
        await kept.read(Query("", "", LIMIT), ctx)
        return first

    promise = "recalls nothing from an empty memory"
    first = await promises.perform(act, scene.stage(), promise)
    require(first.text == "" and not first.sources, promise, f"it recalled {first!r}")


async def _states_phases(factory: Callable[[], Memory], scene: Scene) -> None:
    """What it spends is memory, and stands in a phase."""
    staged = _with_memory(scene, factory).stage()
    await promises.perform(_life(factory), staged, "writes and reads")
    for event in staged.bench.events:
        require(event.component == "memory" and event.phase in ("write", "manage", "read", ""),
                "spends as memory", f"{event.key} counts as {event.component}")  # fmt: skip
        nested = event.parent != ""
        require(not nested or event.phase, "what happens inside a memory has a phase", str(event.key))
