"""Whatever stands in a file, it becomes runs or one line, and the other files are read."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from trace_fixtures import ANSWER, ASKED, lines, tau

from scrimp.audit import reading
from scrimp.audit.audit import Options, audit_paths
from scrimp.audit.reading import Skipped, files, read
from scrimp.core.errors import InputError, UnknownName

RUN = {"messages": [ASKED, ANSWER]}


def why(path: Path) -> str:
    skipped: list[Skipped] = []
    try:
        found = list(read(path, "", skipped))
    except InputError as error:
        return error.message
    assert not found
    return skipped[0].why


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"   \n\n", "the file is empty"),
        (bytes(range(256)) * 20, "binary, and no format that is known"),
        (b"-----BEGIN PGP MESSAGE-----\nhQEMA\n-----END PGP MESSAGE-----\n", "encrypted"),
        (b"age-encryption.org/v1\n-> X25519 abc\n", "encrypted"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", "encrypted"),
        (b"ENCTXT1:9f8e7d\n", "encrypted"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "no trace format that is known"),
        (json.dumps(RUN).encode("utf-16"), "the text is UTF-16, not UTF-8"),
        (json.dumps(RUN).encode("utf-16-le"), "binary, and no format that is known"),
        ((json.dumps(RUN, ensure_ascii=False) + "\n").encode("gbk") * 9, "the text is not UTF-8"),
        (b"[" * 100_000, "no trace format that is known"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary, and no format that is known"),
        (b"# Notes\nNothing to see.\n", "no trace format that is known"),
        (b'{"a": 1}\n', "no trace format that is known"),
        (gzip.compress(json.dumps(RUN).encode() * 50, mtime=0)[:60], "the compressed file is cut or damaged"),
        (b"SQLite format 3\x00" + b"\x00" * 200, "an SQLite file that is no journal of scrimp"),
    ],
)
def test_a_file_that_is_none_is_one_line(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(data)
    found = why(path)
    assert found.startswith(said)
    assert "\n" not in found
    assert "Oslo" not in found


@pytest.mark.parametrize("written", [b"2026-11-01 INFO agent begins\n\n", b'{"event": "start"}\n', b"\xff\xfe x\n"])
def test_records_behind_lines_of_other_things_are_found(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "runs.log"
    path.write_bytes(written + (json.dumps(RUN) + "\n").encode() * 2)
    skipped: list[Skipped] = []
    assert len(list(read(path, "", skipped))) == 2
    assert [item.path for item in skipped] == [f"{path}:line 1"]


def test_what_is_left_out_for_one_reason_is_one_line(tmp_path: Path) -> None:
    path = lines(tmp_path / "runs.jsonl", RUN)
    with path.open("ab") as file:
        file.write(b"12:00 INFO step\n" * 4000 + b'{"x": 1}\n' * 3 + b'{"cut\n')
    skipped: list[Skipped] = []
    assert len(list(read(path, "", skipped))) == 1
    assert [item.told for item in skipped] == [
        "no JSON (Extra data at character 2), as in 3,999 more places",
        "neither messages nor a request, as in 2 more places", "the JSON is cut off",
    ]  # fmt: skip
    assert skipped[0].to_json() == {"path": f"{path}:line 2", "why": skipped[0].told}


def test_a_byte_order_mark_and_other_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + (json.dumps(RUN) + "\r\n\r\n").encode() * 2)
    skipped: list[Skipped] = []
    assert len(list(read(path, "", skipped))) == 2
    assert skipped == []


def test_a_cut_line_does_not_cost_the_others(tmp_path: Path) -> None:
    path = lines(tmp_path / "runs.jsonl", RUN, RUN)
    with path.open("ab") as file:
        file.write(json.dumps(RUN).encode()[:40])
    skipped: list[Skipped] = []
    assert len(list(read(path, "", skipped))) == 2
    assert skipped == [Skipped(f"{path}:line 3", "the JSON is cut off")]


def test_a_cut_archive_gives_what_was_whole(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl.gz"
    salted = "".join(json.dumps({**RUN, "id": str(at), "salt": str(at**9)}) + "\n" for at in range(3000))
    path.write_bytes(gzip.compress(salted.encode())[:-200])
    result = audit_paths([path], Options(workers=1))
    assert 0 < result.whole.attribution.runs < 3000
    assert result.skipped[-1].why == "the compressed file is cut or damaged"


def test_a_line_in_another_encoding_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    chinese = json.dumps({"messages": [ASKED, ANSWER]}, ensure_ascii=False)
    path.write_bytes(
        json.dumps(RUN).encode() + b"\n" + chinese.encode("gbk") + b"\n" + json.dumps(RUN).encode() + b"\n"
    )
    skipped: list[Skipped] = []
    assert len(list(read(path, "", skipped))) == 2
    assert skipped == [Skipped(f"{path}:line 2", "the text is not UTF-8")]


def test_an_endless_line_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 1 << 20)
    path = lines(tmp_path / "runs.jsonl", RUN)
    with path.open("ab") as file:
        file.write(b'{"messages": "')
        for _ in range(30):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + json.dumps(RUN).encode() + b"\n" + b"y" * (2 << 20))
    skipped: list[Skipped] = []
    tracemalloc.start()
    try:
        assert len(list(read(path, "", skipped))) == 2
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()
    assert skipped == [Skipped(f"{path}:line 2", "longer than 1 MB", 1)]


def test_a_line_of_just_the_longest_length_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lines(tmp_path / "runs.jsonl", RUN, RUN)
    monkeypatch.setattr(reading, "PIECE", 16)
    monkeypatch.setattr(reading, "LONGEST_LINE", path.stat().st_size // 2)
    assert len(list(read(path))) == 2
    monkeypatch.setattr(reading, "LONGEST_LINE", path.stat().st_size // 2 - 1)
    skipped: list[Skipped] = []
    assert list(read(path, "", skipped)) == []
    assert skipped[0].more == 1


def test_a_document_too_large_to_be_held_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 1 << 10)
    path = tmp_path / "run.json"
    path.write_text(json.dumps([RUN] * 50, indent=1), encoding="utf-8")
    assert why(path).startswith("one JSON document of more than")
    (tmp_path / "run.json.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert why(tmp_path / "run.json.gz").startswith("one JSON document of more than")


def test_nesting_that_is_too_deep_is_one_line(tmp_path: Path) -> None:
    path = lines(tmp_path / "runs.jsonl", RUN)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"messages": ' + "[" * 200_000 + "]" * 200_000 + "}\n")
    skipped: list[Skipped] = []
    assert len(list(read(path, "", skipped))) == 1
    assert skipped[0].why == "nested too deeply"


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert why(tmp_path / "pipe") == "no regular file"
    assert list(files([tmp_path])) == []


def test_a_file_that_may_not_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = lines(tmp_path / "runs.jsonl", RUN), Path.open

    def refuse(self: Path, *arguments: Any, **more: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", refuse)  # root may read all
    assert why(path) == "cannot be read: Permission denied"


def test_folders_are_walked_and_hidden_files_left_out(tmp_path: Path) -> None:
    (tmp_path / "a" / ".git").mkdir(parents=True)
    for name in ("a/b.jsonl", "a/.git/c.jsonl", "a/.hidden.jsonl", "z.jsonl"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    assert [path.name for path in files([tmp_path])] == ["b.jsonl", "z.jsonl"]


def test_a_format_can_be_named_and_misnamed(tmp_path: Path) -> None:
    assert len(list(read(tau(tmp_path), "openai-chat"))) == 4
    with pytest.raises(UnknownName, match="openai-chat"):
        list(read(tau(tmp_path), "openai-chatt"))


def test_one_bad_file_does_not_cost_the_others(tmp_path: Path) -> None:
    lines(tmp_path / "good.jsonl", RUN)
    (tmp_path / "README.md").write_text("# Runs\n", "utf-8")
    (tmp_path / "shot.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (tmp_path / "bad.traj").write_text('{"trajectory": [], "action": 1, "observation": 2, "model_stats": 3}', "utf-8")
    found = audit_paths([tmp_path, tmp_path / "gone.jsonl"], Options(workers=1))
    assert found.whole.attribution.runs == 1
    assert {Path(item.path).name: item.why for item in found.skipped} == {
        "README.md": "no trace format that is known",
        "bad.traj": "a trajectory without its history",
        "shot.png": "binary, and no format that is known",
        "gone.jsonl": "cannot be read: No such file or directory",
    }
    assert [Path(item.path).name for item in found.failed] == ["gone.jsonl"]


def test_what_stands_beside_a_journal_is_no_file_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "experiments" / "one"
    folder.mkdir(parents=True)
    beside = ("experiment.json", "trials.jsonl", "result.json", "report.html", "journal.sqlite-wal")
    for name in ("journal.sqlite", "other.jsonl", *beside):
        (folder / name).touch()
    (tmp_path / "trials.jsonl").touch()  # no journal beside it
    assert [path.name for path in files([tmp_path])] == ["journal.sqlite", "other.jsonl", "trials.jsonl"]
    assert list(files([folder / "trials.jsonl"])) == [folder / "trials.jsonl"]


def test_a_refused_file_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 100)
    path = tmp_path / "long.json"
    path.write_text(json.dumps([RUN, RUN], indent=1), encoding="utf-8")
    [skipped] = audit_paths([path]).failed
    assert skipped.why.endswith("(one run a line is read at any length)")
