import sys
from pathlib import Path

import pytest

from scrimp.journal.home import home


def test_the_named_folder_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path / "new" / "家"))
    assert home() == (tmp_path / "new" / "家").resolve()
    assert home().is_dir()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the place of other systems")
def test_else_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCRIMP_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert home() == tmp_path / "scrimp"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert home() == tmp_path / "me" / ".local" / "share" / "scrimp"
