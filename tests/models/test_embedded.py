"""The embedded model server: watching, finding, racing, dying. The model tests start the 135M model's."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scrimp.core.errors import InputError, MissingExtra, OutsideError
from scrimp.journal.locks import FileLock
from scrimp.models import embedded, gguf_server, weights
from scrimp.models.embedded import STREAM_FIELDS, STREAM_HEADERS, launch, running, stop
from scrimp.models.gguf_server import ServerSettings, Watch

needs_runtime = pytest.mark.skipif(not weights.importable("xllamacpp"), reason="xllamacpp is not installed")


# -- without a model -------------------------------------------------------------------------------------


def watched(home: Path, *, idle: float, counts=lambda: "llamacpp:requests_processing 0") -> Watch:
    settings = ServerSettings("m.gguf", "m", instance="i1", idle=idle)
    state_file = home / "servers" / "k.json"
    state_file.parent.mkdir(parents=True, exist_ok=True)
    state_file.write_text(json.dumps({"instance": "i1"}))
    return Watch(state_file, settings, counts)


def until_done(watch: Watch, limit: float = 5.0) -> float:
    started = time.monotonic()
    thread = threading.Thread(target=watch.until_done, daemon=True)
    thread.start()
    thread.join(limit)
    assert not thread.is_alive(), "the server did not end"
    return time.monotonic() - started


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(gguf_server, "_WATCH_SECONDS", 0.01)


@pytest.mark.usefixtures("quick")
class TestWatch:
    def test_an_unused_server_retires_and_takes_its_name_along(self, tmp_path):
        watch = watched(tmp_path, idle=0.1)
        assert 0.1 <= until_done(watch) < 2
        assert not watch.state_file.exists()

    def test_use_and_launches_keep_it_alive(self, tmp_path):
        began, counted = time.monotonic(), []

        def counts():
            counted.append(1)
            return f"n {len(counted)}" if time.monotonic() - began < 0.25 else "n done"

        watch = watched(tmp_path, idle=0.15, counts=counts)
        assert until_done(watch) >= 0.35
        watch = watched(tmp_path, idle=0.2)
        threading.Timer(0.15, watch.state_file.with_suffix(".touch").touch).start()
        assert until_done(watch) >= 0.3

    def test_a_request_under_way_is_use(self, tmp_path):
        watch = watched(tmp_path, idle=0.05, counts=lambda: "llamacpp:requests_processing 1")
        threading.Timer(0.4, watch.state_file.unlink).start()
        assert until_done(watch) >= 0.35

    def test_it_ends_when_forgotten_replaced_or_homeless(self, tmp_path):
        watch = watched(tmp_path / "a", idle=60)
        watch.state_file.unlink()
        assert until_done(watch) < 1
        watch = watched(tmp_path / "b", idle=60)
        watch.state_file.write_text(json.dumps({"instance": "another"}))
        assert until_done(watch) < 1
        assert watch.state_file.exists()  # another's name is not taken away
        watch = watched(tmp_path / "c", idle=60)
        shutil.rmtree(tmp_path / "c")
        assert until_done(watch) < 1
        assert not (tmp_path / "c").exists()

    def test_it_does_not_retire_while_a_launch_is_finding_it(self, tmp_path):
        watch = watched(tmp_path, idle=0.05)
        lock = FileLock(watch.state_file.with_suffix(".lock"))
        assert lock.try_acquire()
        threading.Timer(0.3, lock.release).start()
        assert until_done(watch) >= 0.3


class Impostor(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"data": [{"id": "x", "tags": ["scrimp-instance=theirs"]}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Quiet."""


def test_a_reused_port_deceives_nobody():
    with HTTPServer(("127.0.0.1", 0), Impostor) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        assert embedded._answers({"url": url, "instance": "theirs"})
        assert not embedded._answers({"url": url, "instance": "mine"})
        server.shutdown()
        thread.join()
    assert not embedded._answers({"url": url, "instance": "theirs"})
    assert not embedded._answers({"url": "", "instance": "x"})


def test_threads(monkeypatch):
    monkeypatch.delenv("SCRIMP_THREADS", raising=False)
    assert embedded.threads_to_use(3) == 3
    assert 1 <= embedded.threads_to_use(None) <= (os.cpu_count() or 1)
    monkeypatch.setenv("SCRIMP_THREADS", "5")
    assert embedded.threads_to_use(None) == 5
    for bad in ("0", "many", "-1"):
        monkeypatch.setenv("SCRIMP_THREADS", bad)
        with pytest.raises(InputError):
            embedded.threads_to_use(None)


def test_a_port_in_use_is_one_clear_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is in use"):
            embedded._free_port(port)
    assert embedded._free_port(0) == 0
    with pytest.raises(InputError, match="is no port"):
        embedded._free_port(70000)


def test_a_missing_runtime_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded.weights, "importable", lambda module: False)
    with pytest.raises(MissingExtra, match=r"pip install 'scrimp\[local\]'"):
        launch(tmp_path / "m.gguf", tmp_path)


@needs_runtime
def test_bad_files_and_settings(tmp_path, monkeypatch):
    named = tmp_path / "named.gguf"
    named.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(16))
    monkeypatch.setenv("SCRIMP_IDLE_SECONDS", "soon")
    with pytest.raises(InputError, match="SCRIMP_IDLE_SECONDS=soon"):
        launch(named, tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        launch(tmp_path / "none.gguf", tmp_path)
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"junk")
    with pytest.raises(InputError, match="not a GGUF"):
        launch(junk, tmp_path)
    with pytest.raises(InputError, match="1 or more"):
        launch(junk, tmp_path, slots=0)


@needs_runtime
def test_a_server_that_cannot_load_says_why(tmp_path):
    empty = tmp_path / "empty.gguf"
    empty.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(16))
    with pytest.raises(OutsideError, match=r"the server for empty.gguf ended: .*unknown model architecture") as caught:
        launch(empty, tmp_path, threads=1)
    assert "\n" not in str(caught.value)
    assert running(tmp_path) == []


# -- with the 135M model ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A home of these tests' own, so that no server of the user is touched."""
    folder = tmp_path_factory.mktemp("home")
    yield folder
    for endpoint in running(folder):
        stop(endpoint, folder)


@pytest.fixture
def small(scrimp_home) -> Path:
    return weights.find("small", scrimp_home)


def ask(endpoint, path: str, body=None):
    address = urlsplit(endpoint.url)
    connection = HTTPConnection(address.hostname, address.port, timeout=60)
    try:
        if body is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **STREAM_HEADERS})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def chat(endpoint, text: str, **extra):
    """The answer's text and the last chunk before the end."""
    body = {
        "messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 24, "stream": True,
        "stream_options": {"include_usage": True}, **STREAM_FIELDS, **extra,
    }  # fmt: skip
    raw = ask(endpoint, "/v1/chat/completions", body)
    chunks = [json.loads(line[6:]) for line in raw.splitlines() if line.startswith("data: {")]
    pieces = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
    return "".join(pieces), chunks[-1]


def processing(endpoint) -> bool:
    return "\nllamacpp:requests_processing 0" not in ask(endpoint, "/metrics")


def refused(url: str) -> bool:
    try:
        socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)).close()
    except ConnectionRefusedError:
        return True
    return False


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, limit: float) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < limit, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - started


@pytest.mark.model
class TestServer:
    def test_it_is_found_again_and_says_what_it_can_do(self, base, small):
        endpoint = launch(small, base, threads=1)
        assert launch(small, base, threads=1) == endpoint
        assert running(base) == [endpoint]
        assert endpoint.url.startswith("http://127.0.0.1:")
        model = json.loads(ask(endpoint, "/v1/models"))["data"][0]
        assert model["owned_by"] == "llamacpp"
        assert model["id"] == endpoint.model_name
        assert "grammar=llguidance" in model["tags"]
        assert model["meta"]["n_ctx"] == endpoint.context == 8192
        assert len(json.loads(ask(endpoint, "/tokenize", {"content": "hello 你好"}))["tokens"]) == 6
        prompt = json.loads(ask(endpoint, "/apply-template", {"messages": [{"role": "user", "content": "Hi"}]}))[
            "prompt"
        ]
        assert prompt.endswith("<|im_start|>assistant\n")

    def test_grammar_logprobs_and_the_prefix_cache_in_the_stream(self, base, small):
        endpoint = launch(small, base, threads=1)
        schema = {
            "type": "object", "additionalProperties": False, "required": ["city", "unit"],
            "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["celsius"]}},
            "x-guidance": {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"},
        }  # fmt: skip
        grammar = "%llguidance {}\nstart: %json " + json.dumps(schema)
        text, first = chat(endpoint, "The weather in Oslo, as JSON.", grammar=grammar, logprobs=True, top_logprobs=2)
        assert json.loads(text)["unit"] == "celsius"
        assert '": ' not in text
        _, second = chat(endpoint, "The weather in Oslo, as JSON.", grammar=grammar)
        assert first["choices"] == []
        assert second["usage"]["prompt_tokens_details"]["cached_tokens"] >= first["usage"]["prompt_tokens"] - 2
        assert second["timings"]["cache_n"] + second["timings"]["prompt_n"] == second["usage"]["prompt_tokens"]
        assert second["timings"]["predicted_n"] == second["usage"]["completion_tokens"]

    @pytest.mark.parametrize("reading", [True, False])
    def test_a_client_that_leaves_frees_the_slot(self, base, small, reading):
        endpoint = launch(small, base, threads=1)
        text = "alpha beta gamma " * 1500 if reading else "Write a long story."
        body = {"messages": [{"role": "user", "content": text}], "max_tokens": 4000, "ignore_eos": True,
                "stream": True, **STREAM_FIELDS}  # fmt: skip
        address = urlsplit(endpoint.url)
        with socket.create_connection((address.hostname, address.port)) as client:
            data = json.dumps(body).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}"
            client.sendall(head.encode() + b"\r\nContent-Type: application/json\r\n\r\n" + data)
            wait_for(lambda: processing(endpoint), 5)
            time.sleep(0.3)
            assert processing(endpoint)
        assert wait_for(lambda: not processing(endpoint), 10) < 10

    def test_a_killed_server_is_started_again(self, base, small):
        endpoint = launch(small, base, threads=1)
        os.kill(endpoint.pid, signal.SIGKILL)
        wait_for(lambda: not embedded._answers({"url": endpoint.url, "instance": endpoint.instance}), 5)
        again = launch(small, base, threads=1)
        assert again.instance != endpoint.instance
        assert chat(again, "Hi", max_tokens=2)[1]["usage"]["completion_tokens"] <= 2
        assert stop(again, base)
        assert not stop(again, base)
        wait_for(lambda: not alive(again.pid), 5)

    def test_two_processes_start_one_server(self, base, small):
        code = (
            "import sys;from pathlib import Path;from scrimp.models.embedded import launch;"
            "e=launch(Path(sys.argv[1]),Path(sys.argv[2]),threads=1);print(e.pid,e.instance)"
        )
        command = [sys.executable, "-c", code, str(small), str(base)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(3)]
        said = {racer.communicate(timeout=60)[0] for racer in racers}
        assert len(said) == 1
        assert len(running(base)) == 1
        assert alive(int(said.pop().split()[0]))  # it outlives those that started it

    def test_it_ends_when_idle_and_when_its_home_is_gone(self, small, tmp_path, monkeypatch):
        monkeypatch.setenv("SCRIMP_IDLE_SECONDS", "1")
        endpoint = launch(small, tmp_path / "one", threads=1)
        monkeypatch.delenv("SCRIMP_IDLE_SECONDS")
        homeless = launch(small, tmp_path / "two", threads=1)
        shutil.rmtree(tmp_path / "two")
        wait_for(lambda: not alive(homeless.pid), 5)
        wait_for(lambda: not alive(endpoint.pid), 5)
        assert running(tmp_path / "one") == []

    def test_health_is_answered_while_many_wait(self, base, small):
        endpoint = launch(small, base, threads=1)
        threads = [
            threading.Thread(target=chat, args=(endpoint, f"{i} " + "word " * 8), kwargs={"max_tokens": 2})
            for i in range(20)
        ]
        for thread in threads:
            thread.start()
        started = time.monotonic()
        assert launch(small, base, threads=1) == endpoint
        assert time.monotonic() - started < 2
        for thread in threads:
            thread.join()

    @pytest.mark.parametrize(("how", "said"), [(signal.SIGINT, "bye\n"), (signal.SIGKILL, "")])
    def test_serving_in_the_foreground_ends_with_its_process(self, small, tmp_path, how, said):
        code = (
            # Whoever started the tests in the background had them ignore SIGINT, which children inherit.
            "import signal;signal.signal(signal.SIGINT,signal.default_int_handler);"
            "import sys;from pathlib import Path;from scrimp.models.embedded import serve;"
            "serve('gguf:'+sys.argv[1],Path(sys.argv[2]),port=0,announce=lambda u:print(u,flush=True));print('bye')"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SCRIMP_THREADS": "1"}
        command = [sys.executable, "-c", code, str(small), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            endpoint = embedded.Endpoint(url, "", process.pid)
            assert json.loads(ask(endpoint, "/v1/models"))["data"][0]["id"] == f"gguf:{small}"
            process.send_signal(how)
            assert process.communicate(timeout=10)[0] == said
        wait_for(lambda: refused(url), 5)
