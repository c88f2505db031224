import anyio

from scrimp.core.messages import Request, assistant, user
from scrimp.memory.context.everything import Everything
from scrimp.testing import Bench


def test_it_changes_nothing_whatever_the_limit() -> None:
    request = Request((user("q"), *[assistant(f"{n} " * 500) for n in range(20)]))
    assert anyio.run(Everything().fit, request, 1, Bench().ctx) is request
