"""What a training leaves behind: found again by its hash, and refused where it is another one or broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scrimp.core.errors import InputError
from scrimp.tools.parts.learned import fetch, keep


def test_what_was_kept_is_found_again_and_equal_content_has_an_equal_hash(tmp_path: Path) -> None:
    arrays = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3)}
    first = keep(str(tmp_path / "a" / "one.npz"), arrays, {"tools": ["雨", "b"]})
    second = keep(str(tmp_path / "two.npz"), arrays, {"tools": ["雨", "b"]})
    assert first.hash == second.hash
    found, facts = fetch(first.path, first.hash, "m")
    assert (found["weights"] == arrays["weights"]).all()
    assert facts == {"tools": ["雨", "b"]}
    assert keep(first.path, arrays, {"tools": []}).hash != second.hash


def test_what_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="trained first"):
        fetch("", "", "m")
    with pytest.raises(InputError, match="cannot be read"):
        fetch(str(tmp_path / "none"), "", "m")
    with pytest.raises(InputError, match="nobody said where"):
        keep("", {}, {})
    with pytest.raises(InputError, match="cannot be written"):
        keep(str(tmp_path), {}, {})
    made = keep(str(tmp_path / "a.npz"), {}, {})
    with pytest.raises(InputError, match="the System names 000000"):
        fetch(made.path, "0" * 64, "m")
    broken = tmp_path / "broken"
    for data in (b"", b"PK\x03\x04 no archive", (tmp_path / "a.npz").read_bytes()[:-30]):
        broken.write_bytes(data)
        with pytest.raises(InputError, match="holds no training's result"):
            fetch(str(broken), "", "m")
    np.savez(broken.with_suffix(".npz"), facts=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="holds no training's result"):
        fetch(str(broken.with_suffix(".npz")), "", "m")  # a pickle is not opened
