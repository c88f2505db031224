"""The embedded model server: found or started on demand, shared by processes, gone when idle.

There is one process per home and model file (and window and slots, where they are not the default).
It is llama.cpp's own HTTP server, so what speaks to it is the OpenAI-compatible adapter:

- `POST URL/chat/completions` with `stream`, `stream_options.include_usage`, `logprobs` and the extra
  field `grammar` (llguidance). The last chunk before `[DONE]` has an empty `choices` and carries
  `usage.prompt_tokens_details.cached_tokens` and `timings.cache_n/prompt_n/predicted_n`.
- A grammar that does not compile is ignored without an error: check the answer against the schema.
- Send `STREAM_HEADERS`: this server loses about one streamed answer in ten on a reused connection.
- Send `STREAM_FIELDS`: a client that goes away frees the slot at the next write, so there must be
  writes while the prompt is read (one per 128 tokens; chunks with `prompt_progress` and no text, to be
  passed over). A request without `stream` is read to its end whoever has left: stream always.
- `POST /tokenize {"content"}`, `POST /apply-template {"messages"}`, `GET /props` (no `/v1`).
- `GET URL/models` says what a client may rely on: `data[0].owned_by` is `llamacpp`, `data[0].tags`
  holds `grammar=llguidance` (only servers that scrimp starts), `data[0].meta.n_ctx` is the window.
- Each slot has a prefix cache of its own; prompts pushed out of a slot are kept in memory, up to 512 MiB.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from scrimp.core.errors import InputError, MissingExtra, OutsideError
from scrimp.journal.locks import FileLock, write_whole
from scrimp.models import weights
from scrimp.models.gguf import context_length, read_head
from scrimp.models.gguf_server import INSTANCE_TAG, TIED, ServerSettings, read_state

START_SECONDS = 120.0
IDLE_SECONDS = 600.0
SERVE_PORT = 8321
KEPT = "prefixes"
"""Folder of a home for the keys and values of prompts, by server."""
STREAM_HEADERS: Mapping[str, str] = {"Connection": "close"}
STREAM_FIELDS: Mapping[str, Any] = {"return_progress": True}
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Endpoint:
    """A server that answers.

    Attributes:
        url: base of the OpenAI-compatible interface, ends in `/v1`.
        model_name: what to send as `model`.
        context: tokens of one slot.
        instance: tells this process from any other; also in `/v1/models` as a tag.
        kept: folder of the keys and values that are kept of prompts; empty where none are.
    """

    url: str
    model_name: str
    pid: int
    context: int = 0
    slots: int = 1
    instance: str = ""
    kept: str = ""


def launch(
    file: Path,
    home: Path,
    *,
    threads: int | None = None,
    context: int = weights.SERVED_CONTEXT,
    slots: int = 1,
) -> Endpoint:
    """Find the server of a model file, or start it and wait until it answers.

    Blocks (milliseconds when it runs already); call it from a thread in async code, before each
    request or at least after a refused connection: a server may have ended for being idle.

    Args:
        file: a GGUF file.
        home: `SCRIMP_HOME`; the server's state and log are under `servers` there.
        threads: compute threads of a server started now; None takes `SCRIMP_THREADS`, else the
            physical cores. On a machine that others keep busy, 1 is faster than all.
        context: tokens per slot; never more than the model was trained for.
        slots: requests served at once.

    Raises:
        MissingExtra: xllamacpp is not installed.
        InputError: no GGUF file, or a setting out of range.
        OutsideError: the server did not start; the message ends with its last words.
    """
    _require_runtime()
    path = file.resolve()
    if context < 1 or slots < 1:
        raise InputError(f"context={context} and slots={slots} must be 1 or more")
    key = hashlib.sha256(f"{path}|{context}|{slots}".encode()).hexdigest()[:12]
    state_file = home / "servers" / f"{key}.json"
    with FileLock(state_file.with_suffix(".lock"), timeout=START_SECONDS + 30):
        # Touched under the lock, so a server about to end for being idle sees it and stays.
        state_file.with_suffix(".touch").touch()
        state = read_state(state_file)
        if state and _answers(state):
            return _endpoint(state)
        head = read_head(path)
        settings = ServerSettings(
            file=str(path),
            name=path.stem,
            instance=secrets.token_hex(8),
            context=min(context, context_length(head) or context),
            slots=slots,
            threads=threads_to_use(threads),
            idle=_from_environment("SCRIMP_IDLE_SECONDS", IDLE_SECONDS),
            kept=str((home / KEPT / key).resolve()) if slots == 1 else "",
        )
        endpoint, process = _start(settings, state_file, tied=False)
        # Reaps the process when it ends; the thread also keeps Popen from complaining.
        threading.Thread(target=process.wait, name="scrimp-model-server", daemon=True).start()
        return endpoint


def stop(endpoint: Endpoint, home: Path) -> bool:
    """End a launched server; whether there was one to end.

    The server sees that its state file is gone and ends by itself. Only one that still answers
    after ten seconds, so that its process id is surely its own, is killed.
    """
    for state_file in sorted((home / "servers").glob("*.json")):
        with FileLock(state_file.with_suffix(".lock"), timeout=START_SECONDS + 30):
            state = read_state(state_file)
            if state.get("instance") != endpoint.instance:
                continue
            state_file.unlink(missing_ok=True)
        deadline = time.monotonic() + _STOP_SECONDS
        while _answers(state):
            if time.monotonic() > deadline:
                os.kill(int(state["pid"]), 9)
                break
            time.sleep(_POLL_SECONDS)
        return True
    return False


def running(home: Path) -> list[Endpoint]:
    """The launched servers of a home that answer now."""
    states = (read_state(path) for path in sorted((home / "servers").glob("*.json")))
    return [_endpoint(state) for state in states if state and _answers(state)]


def serve(name: str, home: Path, *, port: int = SERVE_PORT, announce: Callable[[str], None] | None = None) -> None:
    """Serve a model in the foreground until interrupted; it never ends for being idle.

    Args:
        name: `local`, `small`, `gguf:NAME` or `gguf:FILE`; also the model's name in answers.
        port: on the loopback address; 0 takes a free one.
        announce: told the base URL once the server answers.

    Raises:
        MissingExtra: the model or xllamacpp is not here.
        InputError: the port is in use or may not be used.
        OutsideError: the model could not be loaded.
    """
    path = weights.find(name, home)
    _require_runtime()
    head = read_head(path)
    context = min(weights.SERVED_CONTEXT, context_length(head) or weights.SERVED_CONTEXT)
    settings = ServerSettings(
        file=str(path),
        name=name,
        instance=secrets.token_hex(8),
        context=context,
        threads=threads_to_use(None),
        port=_free_port(port),
    )
    with TemporaryDirectory(prefix="scrimp-serve-") as folder:
        endpoint, process = _start(settings, Path(folder) / "serve.json", tied=True)
        try:
            if announce is not None:
                announce(endpoint.url)
            process.wait()
            raise OutsideError(f"the server for {path.name} ended: {_tail(Path(folder) / 'serve.log')}")
        except KeyboardInterrupt:
            return
        finally:
            _end(process)


def threads_to_use(asked: int | None) -> int:
    """Compute threads: as asked, else `SCRIMP_THREADS`, else the physical cores this process may use.

    Raises:
        InputError: not a whole number from 1.
    """
    if asked is None:
        asked = int(_from_environment("SCRIMP_THREADS", float(physical_cores())))
    if asked < 1:
        raise InputError(f"{asked} threads cannot compute", remedy="give a whole number from 1")
    return asked


def physical_cores() -> int:
    """Physical cores where the platform tells, else logical ones; at most those this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    try:
        blocks = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")
    except OSError:
        return usable
    cores = {
        tuple(
            line.partition(":")[2].strip() for line in block.splitlines() if line.startswith(("physical id", "core id"))
        )
        for block in blocks
    } - {()}
    return max(1, min(usable, len(cores))) if cores else usable


# -- starting ----------------------------------------------------------------------------------------


def _require_runtime() -> None:
    if not weights.importable("xllamacpp"):
        raise MissingExtra("local models need the package xllamacpp", remedy="pip install 'scrimp[local]'")


def _from_environment(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise InputError(f"{name}={text} is not a number from 0")
    return value


def _start(settings: ServerSettings, state_file: Path, *, tied: bool) -> tuple[Endpoint, subprocess.Popen[bytes]]:
    """Start a server process and wait until it answers; `tied` ones end with this process."""
    state_file.unlink(missing_ok=True)  # a server that hangs sees that it is no longer wanted
    write_whole(state_file.with_suffix(".start"), json.dumps(asdict(settings)))
    log = state_file.with_suffix(".log")
    process = _spawn(state_file, log, tied=tied)
    try:
        return _wait_for(process, state_file, settings), process
    except BaseException:  # also when interrupted: no server is left behind
        process.kill()
        _end(process)
        raise


def _wait_for(process: subprocess.Popen[bytes], state_file: Path, settings: ServerSettings) -> Endpoint:
    log, name = state_file.with_suffix(".log"), Path(settings.file).name
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = read_state(state_file)
        if state.get("instance") == settings.instance and _answers(state):
            return _endpoint(state)
        if process.poll() is not None:
            raise OutsideError(f"the server for {name} ended: {_tail(log)}")
        time.sleep(_POLL_SECONDS)
    raise OutsideError(f"the server for {name} did not answer within {START_SECONDS:.0f} s: {_tail(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a tied server by closing its standard input; kill it where that does not help."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _spawn(state_file: Path, log: Path, *, tied: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "scrimp.models.gguf_server", str(state_file.resolve())]
    command += [TIED] if tied else []
    detached: dict[str, Any] = {}
    if not tied and sys.platform == "win32":
        detached = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    elif not tied:
        detached = {"start_new_session": True}
    with log.open("wb") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=Path(os.sep).resolve(),
            env=_child_environment(),
            **detached,
        )


def _child_environment() -> Mapping[str, str]:
    """This process's environment, with the module path made absolute, as the child runs elsewhere."""
    paths = [str(Path(entry).resolve()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    source = Path(__file__).resolve().parents[2]
    if source.name not in ("site-packages", "dist-packages") and str(source) not in paths:
        paths.append(str(source))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "it left no log"
    told = [line.strip() for line in lines if line.strip()]
    errors = [line.partition(" E ")[2] for line in told if " E " in line]
    return " ".join((errors or told[-1:] or ["it left no word"])[0].split())[:300]


# -- asking ------------------------------------------------------------------------------------------


def _endpoint(state: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        state["url"], state["name"], state["pid"], state["context"], state["slots"], state["instance"],
        state.get("kept", ""),
    )  # fmt: skip


def _answers(state: Mapping[str, Any]) -> bool:
    """Whether the server that a state file names is there.

    What answers on its port must carry its instance tag, so neither a reused port nor a reused
    process id deceives. One that takes the connection but not in time is busy, not gone.
    """
    address = urlsplit(str(state.get("url", "")))
    connection = HTTPConnection(address.hostname or "127.0.0.1", address.port or 1, timeout=5)
    try:
        connection.request("GET", "/v1/models")
        answer = json.loads(connection.getresponse().read())
        return INSTANCE_TAG + str(state.get("instance")) in answer["data"][0]["tags"]
    except TimeoutError:
        return True
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return False
    finally:
        connection.close()


def _free_port(port: int) -> int:
    if not 0 <= port <= 65535:
        raise InputError(f"{port} is no port", remedy="give a number from 1 to 65535, or 0 for a free one")
    with socket.socket() as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise InputError(f"port {port} may not be used", remedy="take one from 1024") from None
        except OSError:
            raise InputError(f"port {port} is in use", remedy="give another with --port") from None
    return port
