"""Where journals and accounts are: a file or a server, by name; no part of a password is shown."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import pytest

from scrimp.core.budget import Budget
from scrimp.core.errors import InputError, JournalFailed, MissingExtra
from scrimp.journal.account import SharedAccount
from scrimp.journal.journal import Journal


def test_the_environment_may_name_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SCRIMP_JOURNAL", "~/elsewhere.sqlite")
    journal = Journal()
    assert journal.path == tmp_path / "elsewhere.sqlite"
    assert journal.path.is_file()
    journal.close()
    named = Journal(tmp_path / "named.sqlite")
    assert named.path == tmp_path / "named.sqlite", "what is named in the program comes first"
    named.close()


def test_a_server_without_its_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for use in (Journal, lambda url: SharedAccount(url, "a", Budget())):
        with pytest.raises(MissingExtra, match=r"pip install .scrimp\[postgres\]"):
            use("postgresql://ann@127.0.0.1/db")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:s3cr3t@word@127.0.0.1:9/db",
        "postgresql://ann:s3cr3t/word@127.0.0.1:9/db",
        "postgresql://ann:12/s3cr3t@127.0.0.1:9/db",
        "postgresql://ann:s3cr3t#word@127.0.0.1:9/db",
        "postgresql://ann:s3cr3t%40word@127.0.0.1:9/db",
        "postgresql://ann@127.0.0.1:9/db?password=s3cr3t",
        "postgresql://ann:s3cr3t@127.0.0.1:9/db?nothing=s3cr3t",
    ],
)
def test_no_part_of_a_password_is_shown(address: str) -> None:
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    with pytest.raises((JournalFailed, InputError)) as error:
        Journal(address)
    shown = "".join(traceback.format_exception(error.value)) + error.value.remedy
    assert "s3cr3t" not in shown
    assert "word" not in shown.replace("password", "")
