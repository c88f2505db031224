"""The project's sources as syntax trees, for the house tests: nothing is imported, so nothing can hide."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "scrimp"


@dataclass(frozen=True)
class Module:
    """One file: its dotted name and what it says."""

    name: str
    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def room(self) -> str:
        """The first name under `scrimp`; empty for the face itself."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def imports(self) -> Iterator[tuple[str, int]]:
        """Dotted names that this file imports anywhere in it, absolute, with their lines.

        `from a.b import c` gives `a.b.c`: whether c is a module or a name in one is left open.
        """
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, node.lineno
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = self.package.split(".")
                    parents = parts[: len(parts) - node.level + 1]
                    base = ".".join([*parents, base] if base else parents)
                for alias in node.names:
                    yield f"{base}.{alias.name}", node.lineno


def module(name: str, text: str, path: Path = Path("sample.py")) -> Module:
    """A Module from its text, for testing the tests."""
    return Module(name, path, text)


def modules(folder: Path = SOURCE, package: str = "scrimp") -> list[Module]:
    """Every Python file under `folder`."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        parts = [package, *path.relative_to(folder).with_suffix("").parts]
        if parts[-1] == "__init__":
            parts.pop()
        found.append(Module(".".join(parts), path, path.read_text(encoding="utf-8")))
    return found


def tracked_files() -> list[Path]:
    """The files that git would hold: tracked ones and new ones that are not ignored; without git, the usual folders."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
        names = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        folders = ("src", "tests", "docs", "examples", "benchmarks", "constraints", "scripts")
        names = [path for folder in folders for path in (ROOT / folder).rglob("*")] + list(ROOT.glob("*.*"))
    return [path for path in names if path.is_file() and "__pycache__" not in path.parts]
