"""Write constraints/*.txt anew: every version and every file hash of what `make` installs.

    .venv/bin/python scripts/update_constraints.py [--upgrade]

The files hold for every platform and every Python that the project supports (markers where they differ), and name no
address: pip asks whatever index it is set up with and refuses a file whose hash is not listed. Each set is closed, so
`pip install --require-hashes` takes one file, and the later sets are pinned to the versions of the first.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "constraints"
LOWEST_PYTHON = "3.11"
BUILD = ("hatchling>=1.25", "editables>=0.5")
TESTED = ("local", "bench", "ann", "mcp", "openapi", "sandbox", "postgres", "analytics", "test")
SETS = {"run": ("local",), "test": TESTED, "check": ("local", "mcp", "postgres", "check")}
HEADER = """\
# Made by scripts/update_constraints.py: do not edit. Extras of the project in this set: {extras}.
# Installed with `pip install --require-hashes -r`, then the project itself with `--no-deps`.
"""


def compile_set(resolver: Path, name: str, extras: tuple[str, ...], scratch: Path) -> None:
    """Resolve one set, keeping to the versions that the file already has."""
    build = scratch / "build.in"
    build.write_text("\n".join(BUILD) + "\n", encoding="utf-8")
    target = FOLDER / f"{name}.txt"
    command = [str(resolver), "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header",
               "--no-annotate", "--fork-strategy", "fewest", "--python-version", LOWEST_PYTHON,
               "--output-file", str(target), str(ROOT / "pyproject.toml"), str(build)]  # fmt: skip
    for extra in extras:
        command += ["--extra", extra]
    if name != "run":
        command += ["--constraint", str(FOLDER / "run.txt")]
    subprocess.run(command, check=True)
    text = "".join(line for line in target.read_text(encoding="utf-8").splitlines(True) if not line.startswith("#"))
    target.write_text(HEADER.format(extras=", ".join(extras)) + text, encoding="utf-8")


def main() -> None:
    """Make a resolver in a throw-away environment and run it over the sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of the present ones")
    upgrade = parser.parse_args().upgrade
    FOLDER.mkdir(exist_ok=True)
    if upgrade:
        for old in FOLDER.glob("*.txt"):
            old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        environment = scratch / "env"
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        binaries = environment / ("Scripts" if sys.platform == "win32" else "bin")
        subprocess.run([str(binaries / "python"), "-m", "pip", "install", "--quiet", "uv>=0.8"], check=True)
        for name, extras in SETS.items():
            compile_set(binaries / "uv", name, extras, scratch)
            print(f"constraints/{name}.txt")


if __name__ == "__main__":
    main()
