"""The process that serves one GGUF file over HTTP: llama.cpp's own server, and a watch over it.

Started by `embedded` as `python -m scrimp.models.gguf_server STATE_FILE`, with its settings in the
state file's `.start` neighbour: detached for `launch`, tied to its parent by standard input for
`serve`. It needs the standard library and xllamacpp, nothing else. A process of its own in either
case: the engine cannot be relied on to shut down in order, and can always be ended with its process.

A launched server lives as long as its state file names it and it is used: it ends by itself when it
has been idle, when the state file is gone (so also when its home folder is) or names another
instance. Nothing has to kill it, so no process id has to be trusted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scrimp.journal.locks import FileLock, write_whole

GRAMMAR_TAG = "grammar=llguidance"
"""Tag in `/v1/models` by which a client knows that the extra field `grammar` is honoured."""

INSTANCE_TAG = "scrimp-instance="
"""Prefix of the tag in `/v1/models` that tells one server process from another."""

TIED = "--tied"
"""Argument of a server that ends when its standard input does, and for no other reason."""

_BATCH = 128
_HTTP_THREADS = 64
_PROMPT_CACHE_MIB = 512
_WATCH_SECONDS = 0.5
_COUNT_SECONDS = 5.0


@dataclass(frozen=True)
class ServerSettings:
    """How to serve a file.

    Attributes:
        file: the GGUF file.
        name: the model's name in answers.
        instance: random text that tells this process from any other.
        context: tokens per slot. Each slot has a prefix cache of its own, so more slots serve more
            requests at once and reuse less.
        threads: compute threads.
        port: 0 takes a free one.
        idle: seconds without a request until a launched server ends; 0 for never.
        kept: folder in which keys and values of prompts are kept; none are where empty.
    """

    file: str
    name: str
    instance: str
    context: int = 8192
    slots: int = 1
    threads: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    idle: float = 600.0
    kept: str = ""


def start_engine(settings: ServerSettings) -> Any:
    """Load the model and start llama.cpp's HTTP server in threads of this process.

    Returns:
        The xllamacpp Server; its `listening_address` says where it answers.

    Raises:
        RuntimeError: the model could not be loaded or the port not be had; the log says why.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings.file
    params.model_alias = {settings.name}
    params.model_tags = {GRAMMAR_TAG, INSTANCE_TAG + settings.instance}
    params.n_parallel = settings.slots
    params.n_ctx = settings.context * settings.slots
    # A small batch costs nothing on a CPU, and a request is only let go between batches.
    params.n_batch = params.n_ubatch = _BATCH
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    params.hostnames = [settings.host]
    params.port = settings.port
    # A waiting request holds an HTTP thread; with few of them, health could not be asked under load.
    params.n_threads_http = _HTTP_THREADS
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.sse_ping_interval = 5
    params.endpoint_metrics = True
    if settings.kept:
        Path(settings.kept).mkdir(parents=True, exist_ok=True, mode=0o700)
        params.slot_save_path, params.endpoint_slots = f"{settings.kept}/", True
    params.ui = False
    # No web page that the user happens to visit may use the model.
    params.cors_origins, params.cors_origins_explicit = "http://127.0.0.1", True
    params.verbosity = 2
    return xllamacpp.Server(params)


def main(argv: list[str]) -> int:
    """Serve until idle, forgotten or, when tied, left by the parent; the exit code."""
    state_file, tied = Path(argv[0]), TIED in argv
    if tied:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent, which then lets go
    settings = ServerSettings(**json.loads(state_file.with_suffix(".start").read_text(encoding="utf-8")))
    try:
        engine = start_engine(settings)
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    state = {**asdict(settings), "url": f"{engine.listening_address}/v1", "pid": os.getpid()}
    write_whole(state_file, json.dumps(state, indent=1))
    if tied:
        sys.stdin.buffer.read()
    else:
        Watch(state_file, settings, lambda: str(engine.handle_metrics())).until_done()
    # The engine's destructor may hang (seen about once in ten), so it never runs.
    sys.stderr.flush()
    os._exit(0)


class Watch:
    """Decides when a launched server ends.

    Args:
        state_file: names the server; `.touch` beside it is touched at each launch that found it.
        counts: text that differs when the engine has been or is being used.
    """

    def __init__(self, state_file: Path, settings: ServerSettings, counts: Callable[[], str]) -> None:
        self.state_file, self.settings, self.counts = state_file, settings, counts
        self._last_counts = ""
        self._used = time.time()

    def until_done(self) -> None:
        """Return when the server should end; its state file is then gone or another's."""
        next_count = 0.0
        while self.mine():
            time.sleep(_WATCH_SECONDS)
            if time.monotonic() >= next_count:
                next_count = time.monotonic() + min(_COUNT_SECONDS, self.settings.idle / 4)
                self._note_use()
            if self.settings.idle and time.time() - self._used > self.settings.idle and self._retire():
                return

    def mine(self) -> bool:
        """Whether the state file still names this server."""
        return read_state(self.state_file).get("instance") == self.settings.instance

    def _note_use(self) -> None:
        counts = self.counts()
        if counts != self._last_counts or _processing(counts):
            self._last_counts, self._used = counts, time.time()
        try:
            self._used = max(self._used, min(time.time(), self.state_file.with_suffix(".touch").stat().st_mtime))
        except OSError:
            return  # touched by no launch yet, or the folder is gone, which `mine` sees

    def _retire(self) -> bool:
        """Take the server out of sight, unless a launch is finding it at this moment."""
        lock = FileLock(self.state_file.with_suffix(".lock"))
        if not lock.try_acquire():
            return False
        try:
            self._note_use()
            if time.time() - self._used <= self.settings.idle:
                return False
            if self.mine():
                self.state_file.unlink(missing_ok=True)
            return True
        finally:
            lock.release()


def _processing(counts: str) -> bool:
    return any(line.startswith("llamacpp:requests_") and not line.endswith(" 0") for line in counts.splitlines())


def read_state(path: Path) -> Mapping[str, Any]:
    """What a state file says; empty where there is none or it cannot be understood."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
