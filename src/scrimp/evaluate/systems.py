"""Systems by name: the built-in ones, versioned by date, a method in the baseline's place, or a TOML file."""

from __future__ import annotations

from pathlib import Path

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.registry import catalogue
from scrimp.core.system import System

BASELINE_AS_OF = "2026-11-23"
EFFICIENT_AS_OF = "2026-11-23"


def baseline() -> System:
    """ReAct, everything in the prompt, all tools, prompt cache on."""
    return System(name="baseline", planner="react", context="everything", selector="all-tools")


def efficient() -> System:
    """The best-supported combination so far: plan once, run the calls, answer once; tools as one line each."""
    return System(
        name="efficient",
        planner="plan-then-execute",
        context="everything",
        selector="all-tools",
        tool_text="signature",
    )


BUILT_IN = {"baseline": baseline, "efficient": efficient}
AS_OF = {"baseline": BASELINE_AS_OF, "efficient": EFFICIENT_AS_OF}


def named(name: str) -> System:
    """The System that `--systems` means by a name.

    Raises:
        UnknownName: neither built in, nor a method, nor a file.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]()
    if name.endswith(".toml") or Path(name).is_file():
        return System.from_toml(name)
    entries = catalogue()
    found = [entry for entry in entries if entry.card.name == name]
    if not found:
        raise UnknownName("system", name, [*BUILT_IN, *(entry.card.name for entry in entries)])
    family = found[0].card.family
    if family == "trainer":
        raise InputError(f"{name!r} is a trainer, and no System by itself", remedy=f"scrimp train {name} --spec FILE")
    if family == "transform":
        return baseline().with_(transforms=(name,), name=name)
    return baseline().with_(**{family: name}, name=name)
