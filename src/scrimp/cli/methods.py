"""`scrimp methods`: the catalogue of published ways, read from their cards."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import Json
from scrimp.cli.output import emit, one_line, write
from scrimp.cli.tables import facts, show, table
from scrimp.core.errors import InputError, UnknownName

if TYPE_CHECKING:
    from scrimp.core.registry import Entry

app = new_app("Ways of making an agent cheaper, each with its paper, its claim and its verdict.")


@app.command("list")
def list_(
    family: Annotated[
        str | None, typer.Option("--family", metavar="FAMILY", help="planner, context, selector, gate, memory...")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As a page; our own methods only.")] = False,
    as_json: Json = False,
) -> None:
    """Every method, those of other packages too."""
    if markdown and as_json:
        raise InputError("--markdown and --json exclude each other")
    entries = _entries(strangers=not markdown)
    if family is not None:
        _check_family(family)
        entries = [entry for entry in entries if entry.card.family == family]
    if as_json:
        return emit([entry.to_json() for entry in entries])
    if markdown:
        return write(page(entries))
    made = table("name", "family", "what", "paper", "saves", "against", "verdict", fixed=("name", "family"))
    for entry in entries:
        card = entry.card
        verdict = f"cannot be loaded: {one_line(entry.error)}" if entry.error else card.verdict or ""
        title = card.title if entry.package == "scrimp" else f"{card.title} (package {entry.package})"
        made.add(card.name, card.family, title, card.paper, card.saves, card.against, verdict)
    return show(made)


@app.command("show")
def show_(name: Annotated[str, typer.Argument(metavar="NAME", help="A method's name.")], as_json: Json = False) -> None:
    """One method: its card."""
    entries = _entries()
    found = [entry for entry in entries if entry.card.name == name]
    if not found:
        raise UnknownName("method", name, [entry.card.name for entry in entries])
    facts_ = card(found[0])
    if as_json:
        return emit(facts_)
    verdicts = ", ".join(f"{model}: {verdict}" for model, verdict in facts_["verdicts"].items())
    rows = [
        ("name", facts_["name"]),
        ("title", facts_["title"]),
        ("family", f"{facts_['family']} (provides {', '.join(facts_['provides'])})"),
        ("paper", facts_["paper"]),
        ("saves", facts_["saves"]),
        ("against", facts_["against"]),
        ("needs", ", ".join(facts_["needs"])),
        ("claim", facts_["claim"]),
        ("measured on", f"{facts_['workload']}, n = {facts_['n']}, margin {facts_['margin']:g} points"
         if facts_["n"] else facts_["workload"]),
        ("verdict", verdicts or "not yet checked"),
        ("notes", facts_["notes"]),
        ("package", facts_["package"]),
        ("cannot load", facts_.get("error", "")),
    ]  # fmt: skip
    return show(facts(rows))


def card(entry: Entry) -> dict[str, Any]:
    """The document of `methods show`: a row of the list, and what stands only on the card."""
    one = entry.card
    return {
        **entry.to_json(),
        "claim": one.claim,
        "measured": None,
        "notes": one.notes,
        "workload": one.workload,
        "n": one.n,
        "margin": one.margin,
        "verdicts": dict(one.verdicts),
    }


def page(entries: list[Entry]) -> str:
    """The catalogue as a Markdown page, a table per family."""
    lines = [
        "# Methods",
        "",
        "Written by `scrimp methods list --markdown` from the cards; not edited by hand.",
    ]
    for family, group in groupby(entries, key=lambda entry: entry.card.family):
        lines += ["", f"## {family}", "", "| name | what | paper | saves | against | verdict |", "|" + " --- |" * 6]
        for entry in group:
            one = entry.card
            cells = (f"`{one.name}`", one.title, one.paper, one.saves, one.against, one.verdict or "-")
            lines.append("| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _entries(*, strangers: bool = True) -> list[Entry]:
    from scrimp.core.registry import catalogue
    from scrimp.journal.home import home

    return catalogue(home() / "cache" / "catalogue.json", strangers=strangers)


def _check_family(family: str) -> None:
    from scrimp.core.registry import PROTOCOLS

    if family not in PROTOCOLS:
        raise UnknownName("family", family, PROTOCOLS)
