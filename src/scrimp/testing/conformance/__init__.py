"""One suite of promises per protocol, to be awaited in anybody's own tests.

    async def test_my_planner_keeps_the_promises() -> None:
        await conformance.planner(MyPlanner)

A suite takes a factory, since every promise is tried on a fresh instance. It returns nothing, or raises
AssertionError with the promise that was broken.
"""

from scrimp.testing.conformance.environments import environment
from scrimp.testing.conformance.gates import gate
from scrimp.testing.conformance.memories import memory
from scrimp.testing.conformance.models import model
from scrimp.testing.conformance.planners import planner
from scrimp.testing.conformance.policies import context_policy
from scrimp.testing.conformance.scene import Scene
from scrimp.testing.conformance.selectors import selector
from scrimp.testing.conformance.stores import store

__all__ = ["Scene", "context_policy", "environment", "gate", "memory", "model", "planner", "selector", "store"]
