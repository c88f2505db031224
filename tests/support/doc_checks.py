"""Checking a command of the docs without running it: does what it names exist?"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from doc_blocks import Command

ROOT = Path(__file__).resolve().parents[2]


def faults(command: Command, app: Any) -> list[str]:
    """What is wrong with a command: one line each, none for programs that are not known here.

    Args:
        app: the command tree of `scrimp` (see `command_tree`), None to leave its lines unchecked.
    """
    found = []
    for words in command.simple:
        program, arguments = words[0], words[1:]
        if program == "make":
            found += make_faults(arguments)
        elif program in ("pip", "pip3"):
            found += pip_faults(arguments)
        elif program in ("python", "python3"):
            found += python_faults(arguments)
        elif program == "scrimp" and app is not None:
            found += scrimp_faults(arguments, app)
    return found


# -- make ------------------------------------------------------------------------------------------


@cache
def makefile() -> tuple[frozenset[str], frozenset[str]]:
    """Targets and variables of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][\w-]*):(?!=)", text, re.MULTILINE)
    variables = re.findall(r"^([A-Z_]+)\s*[?:]?=", text, re.MULTILINE)
    return frozenset(targets), frozenset(variables)


def make_faults(arguments: list[str]) -> list[str]:
    targets, variables = makefile()
    found = []
    for word in arguments:
        name, is_set, _ = word.partition("=")
        if is_set and name not in variables:
            found.append(f"the Makefile has no variable {name}")
        elif not is_set and not word.startswith("-") and word not in targets:
            found.append(f"the Makefile has no target {word}")
    return found


# -- pip and python --------------------------------------------------------------------------------


@cache
def pip_help(command: str) -> str:
    """What `pip COMMAND --help` prints, empty where there is no such command."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", command, "--help"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else ""


@cache
def extras() -> frozenset[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return frozenset(project["optional-dependencies"])


def pip_faults(arguments: list[str]) -> list[str]:
    if not arguments:
        return ["pip needs a command"]
    command, *rest = arguments
    known = pip_help(command)
    if not known:
        return [f"pip has no command {command}"]
    found = []
    for word in rest:
        option = word.partition("=")[0]
        if option.startswith("-") and not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", known):
            found.append(f"pip {command} has no option {option}")
        named = re.fullmatch(r"(?:\.|scrimp)\[([\w, -]+)\]", word)
        for extra in re.split(r"\s*,\s*", named[1]) if named else ():
            if extra not in extras():
                found.append(f"the project has no extra {extra}")
    return found


def python_faults(arguments: list[str]) -> list[str]:
    if arguments[:2] == ["-m", "pip"]:
        return pip_faults(arguments[2:])
    script = next((word for word in arguments if not word.startswith("-")), "")
    if script.endswith(".py") and not arguments[0].startswith("-") and not (ROOT / script).is_file():
        return [f"there is no file {script}"]
    return []


# -- scrimp ----------------------------------------------------------------------------------------


def command_tree() -> Any:
    """The root of the command line, as the click-like group that typer builds."""
    import typer.main

    from scrimp.cli.main import app

    return typer.main.get_command(app)


def options_of(command: Any) -> dict[str, bool]:
    """Each option of a command, and whether a value follows it."""
    found = {"--help": False, "-h": False}
    for parameter in command.params:
        if str(parameter.param_type_name) == "option":
            takes_value = not (getattr(parameter, "is_flag", False) or getattr(parameter, "count", False))
            for name in [*parameter.opts, *parameter.secondary_opts]:
                found[name] = takes_value
    return found


def subcommand(command: Any, name: str, path: str) -> tuple[Any, Any]:
    """The command of that name under a group, and the context to ask on with."""
    context = command.make_context(path, [], resilient_parsing=True)
    return command.get_command(context, name), context


def scrimp_faults(arguments: list[str], app: Any) -> list[str]:
    """Follow the words down the tree: unknown commands, unknown options, too few or too many arguments."""
    command, path = app, "scrimp"
    given: list[str] = []
    words = iter(arguments)
    options, found, helped = options_of(command), [], False
    for word in words:
        name, has_value, _ = word.partition("=")
        if word == "--":
            given += list(words)
        elif word.startswith("-") and len(word) > 1:
            helped = helped or word in ("--help", "-h", "--version")
            if name not in options:
                found.append(f"{path} has no option {name}")
            elif options[name] and not has_value and next(words, None) is None:
                found.append(f"{path} {name} needs a value")
        elif hasattr(command, "get_command"):
            below, _ = subcommand(command, word, path)
            default = getattr(command, "default", "")
            if below is None and default:  # a group that takes other words, too
                given.append(word)
                below, _ = subcommand(command, default, path)
            if below is None:
                return [*found, f"{path} has no command {word}"]
            command, path, options = below, f"{path} {word}", options_of(below)
        else:
            given.append(word)
    if hasattr(command, "get_command"):
        bare = helped or getattr(command, "invoke_without_command", False)
        return found if bare else [*found, f"{path} needs a command"]
    return found if helped else found + argument_faults(command, path, given)


def argument_faults(command: Any, path: str, given: list[str]) -> list[str]:
    arguments = [item for item in command.params if str(item.param_type_name) == "argument"]
    least = sum(max(item.nargs, 1) for item in arguments if item.required)
    most = None if any(item.nargs < 0 for item in arguments) else sum(item.nargs for item in arguments)
    if len(given) < least:
        return [f"{path} needs {least} argument(s), got {len(given)}"]
    if most is not None and len(given) > most:
        return [f"{path} takes {most} argument(s), got {len(given)}: {' '.join(given)}"]
    return []
