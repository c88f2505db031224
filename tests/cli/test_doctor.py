from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from scrimp.cli import checks


def test_what_works_here(scrimp, scrimp_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("SCRIMP_API_KEY", "secret-value")
    said = scrimp("doctor", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json["ok"]
    found = {check["name"]: check for check in said.json["checks"]}
    assert all(set(check) == {"name", "ok", "detail", "remedy"} for check in found.values())
    assert all(found[name]["ok"] for name in ("python", "home", "sqlite"))
    assert "journal mode wal" in found["sqlite"]["detail"]
    assert found["model small"] == {
        "name": "model small", "ok": False, "detail": "not here", "remedy": "scrimp models get small"
    }  # fmt: skip
    assert found["embedder hashing"]["ok"]
    assert not found["OPENAI_API_KEY"]["ok"]
    assert found["SCRIMP_API_KEY"]["ok"]
    assert "secret-value" not in said.out
    assert not list(scrimp_home.glob(".doctor*"))


def test_a_journal_elsewhere_is_looked_at(scrimp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> dict[str, object]:
        return next(check for check in scrimp("doctor", "--json").json["checks"] if check["name"] == "journal")

    monkeypatch.setenv("SCRIMP_JOURNAL", str(tmp_path / "elsewhere.sqlite"))
    assert found()["ok"]
    (tmp_path / "text").write_text("no database, but long enough to look " * 9)
    monkeypatch.setenv("SCRIMP_JOURNAL", str(tmp_path / "text"))
    looked = found()
    assert not looked["ok"]
    assert "not a database" in str(looked["detail"])
    assert looked["remedy"] == "correct or unset SCRIMP_JOURNAL"


def test_for_people(scrimp) -> None:
    said = scrimp("doctor")
    assert said.code == 0
    assert said.out.endswith("\nthe core works\n")
    assert "scrimp models get local" in said.out


def test_a_disk_without_wal_is_a_no(scrimp, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stubborn(sqlite3.Connection):
        def execute(self, sql: str, *rest: object) -> sqlite3.Cursor:
            return super().execute("SELECT 'delete'" if sql.startswith("PRAGMA journal_mode") else sql, *rest)

    connect = sqlite3.connect
    monkeypatch.setattr(checks.sqlite3, "connect", lambda path: connect(path, factory=Stubborn))
    said = scrimp("doctor", "--json")
    assert said.code == 1
    assert not said.json["ok"]
    assert "does NOT work" in scrimp("doctor").out


def test_a_wrong_setting_is_a_finding(scrimp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIMP_THREADS", "many")
    found = {check["name"]: check for check in scrimp("doctor", "--json").json["checks"]}
    assert not found["cores"]["ok"]
    assert "SCRIMP_THREADS=many" in found["cores"]["detail"]
