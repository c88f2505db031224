"""Keys and values of prompts on disk: a prompt that was read once is not read again, in another server either."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest

from scrimp.core.messages import Request, Response, fold, prefix_name, system, user
from scrimp.core.usage import Usage
from scrimp.models import weights
from scrimp.models.embedded import Endpoint, running, stop
from scrimp.models.kept_prefixes import KeptPrefixes, forget
from scrimp.models.local import LocalModel, LocalSettings

BOOK = "\n".join(f"Room {number} holds {number * 7 % 101} chairs and one lamp." for number in range(40))


async def ask(model: LocalModel, question: str, prefix: str = "") -> Response:
    request = Request((system(f"Remember:\n{BOOK}"), user(question)), max_output=4, prefix=prefix)
    return fold([delta async for delta in model.stream(request)])


@pytest.mark.model
def test_a_prompt_is_read_once_even_by_another_server(scrimp_home: Path, tmp_path: Path) -> None:
    def asked(question: str) -> tuple[Usage, Endpoint]:
        async def main() -> Usage:
            model = LocalModel("small", weights.find("small", scrimp_home), tmp_path, LocalSettings(threads=1))
            answer = await ask(model, question, name)
            await model.aclose()
            assert answer.usage is not None
            return answer.usage

        used = anyio.run(main)
        (endpoint,) = running(tmp_path)
        stop(endpoint, tmp_path)
        return used, endpoint

    name = prefix_name("ann", BOOK)
    first, endpoint = asked("How many chairs are in room 3?")
    assert first.cached_input < 100
    assert [file.stem for file in Path(endpoint.kept).glob("*.bin")] == [name]
    second, another = asked("How many chairs are in room 9?")
    assert another.instance != endpoint.instance
    assert second.prompt > 400
    assert second.cached_input > 0.9 * second.prompt
    assert forget(tmp_path, "ben") == 0
    assert forget(tmp_path, "ann") == 1
    assert not list(Path(endpoint.kept).glob("*.bin"))


@pytest.mark.anyio
async def test_a_server_that_is_gone_keeps_nothing_and_fails_nobody(tmp_path: Path) -> None:
    kept = KeptPrefixes(Endpoint("http://127.0.0.1:9/v1", "m", 1, kept=str(tmp_path)))
    assert await kept.restore("ab-cd") is False
    assert await kept.save("ab-cd") is False
    with pytest.raises(ValueError, match="no name of a prefix"):
        await kept.save("../../etc/passwd")


def test_old_files_make_room(tmp_path: Path) -> None:
    kept = KeptPrefixes(Endpoint("http://127.0.0.1:9/v1", "m", 1, kept=str(tmp_path)), most=250)
    for number in range(5):
        file = tmp_path / f"{number}.bin"
        file.write_bytes(b"x" * 100)
        os.utime(file, (number, number))
    kept._prune(tmp_path / "4.bin")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["3.bin", "4.bin"]


def test_names_tell_owners_and_contents_apart() -> None:
    assert prefix_name("ann", "x") != prefix_name("ben", "x")
    assert prefix_name("ann", "x", "y") != prefix_name("ann", "xy")
    assert prefix_name("ann", "x").startswith(prefix_name("ann"))
    request = Request((user("x"),), prefix="ab-cd")
    assert request.hash == Request((user("x"),)).hash
    assert request.to_json()["prefix"] == "ab-cd"
    assert "prefix" not in Request((user("x"),)).to_json()
