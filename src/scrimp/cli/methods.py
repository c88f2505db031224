"""`scrimp methods`: the catalogue of published ways, read from their cards."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import Data, Json, data_folder
from scrimp.cli.output import emit, note, one_line, write
from scrimp.cli.tables import facts, show, table
from scrimp.core.errors import InputError, MissingExtra, UnknownName

if TYPE_CHECKING:
    from scrimp.cli.progress import Progress
    from scrimp.core.registry import Entry

app = new_app("Ways of making an agent cheaper, each with its paper, its claim and its verdict.")

DIFFERENT = 1


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
        ("measured", _measured(facts_["measured"])),
        ("notes", facts_["notes"]),
        ("package", facts_["package"]),
        ("cannot load", facts_.get("error", "")),
    ]  # fmt: skip
    return show(facts(rows))


@app.command("check")
def check_(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Methods.")] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Every method that registered an experiment; trainers, which train, by name.")
    ] = False,
    family: Annotated[str | None, typer.Option("--family", metavar="FAMILY", help="With --all: of one family.")] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="M", help="A real model; an oracle by default: structure only.")
    ] = "",
    n: Annotated[int | None, typer.Option("--n", min=1, metavar="N", help="Other than the card's number.")] = None,
    data: Data = None,
    save: Annotated[bool, typer.Option("--save", help="Keep what was found in the package (maintainers).")] = False,
    as_json: Json = False,
) -> None:
    """Run the experiments of cards, and say whether each verdict is the one that its card states.

    Exit code 1 where one is not.
    """
    chosen = _chosen(names or [], all_, family)

    from scrimp.evaluate import check

    folders = [data_folder(entry.card.workload, data) for entry in chosen]
    jobs = [(entry.card.name, model, folder, n) for entry, folder in zip(chosen, folders, strict=True)]
    missing: list[MissingExtra] = []
    if all_ and not model:
        found, missing = _side_by_side(jobs)
    else:
        found = [_one_by_one(entry, job) for entry, job in zip(chosen, jobs, strict=True)]
    if save:
        note(f"kept in {check.save(found)}")
    if as_json:
        emit([one.to_json() for one in found])
    else:
        _print_checks(found)
    if any(not one.agrees for one in found):
        raise typer.Exit(DIFFERENT)
    if missing:  # the others are printed: minutes of work are not lost for one package
        raise missing[0]


Job = tuple[str, str, Path | None, int | None]
"""Name of a method, model, folder of official files, tasks."""


def _one_by_one(entry: Entry, job: Job) -> Any:
    """A check in this process, with its progress."""
    import anyio

    from scrimp.cli.comparison import watch
    from scrimp.cli.progress import Progress
    from scrimp.evaluate import check

    _, model, folder, n = job
    with Progress(f"checking {entry.card.name}") as shown:
        if entry.card.family == "trainer":
            return _trained(entry, shown)
        return anyio.run(partial(check.check, entry.card, model=model, data=folder, n=n, progress=watch(shown)))


def _side_by_side(jobs: list[Job]) -> tuple[list[Any], list[MissingExtra]]:
    """Checks on an oracle, in as many processes as there are cores, in the order of the jobs; and what some lacked."""
    import multiprocessing
    import os
    from concurrent.futures import ProcessPoolExecutor, as_completed

    from scrimp.cli.progress import Progress

    spawn = multiprocessing.get_context("spawn")
    with (
        Progress(f"checking {len(jobs)} methods") as shown,
        ProcessPoolExecutor(min(len(jobs), os.cpu_count() or 1), mp_context=spawn, initializer=_one_core) as pool,
    ):
        waiting = {pool.submit(_checked, job): place for place, job in enumerate(jobs)}
        found: dict[int, Any] = {}
        missing: list[MissingExtra] = []
        for done, future in enumerate(as_completed(waiting), 1):
            try:
                found[waiting[future]] = future.result()
            except MissingExtra as error:
                missing.append(error)
            shown.update(done, len(jobs))
    return [found[place] for place in sorted(found)], missing


def _one_core() -> None:
    """Matrices in one thread, since there is a process for each core; and an end with the process that asked."""
    import multiprocessing
    import os
    import threading

    for library in ("OPENBLAS", "OMP", "MKL"):  # read when numpy is first imported, which is later
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    asked = multiprocessing.parent_process()

    def outlived() -> None:
        if asked is not None:
            asked.join()
            os._exit(1)

    threading.Thread(target=outlived, daemon=True).start()


def _checked(job: Job) -> Any:
    """A check in a process of its own."""
    import anyio

    from scrimp.core.registry import catalogue
    from scrimp.evaluate import check

    name, model, folder, n = job
    card = next(entry.card for entry in catalogue() if entry.card.name == name)
    return anyio.run(partial(check.check, card, model=model, data=folder, n=n))


def _trained(entry: Entry, shown: Progress) -> Any:
    """The check of a trainer, which trains policies of two layers."""
    from scrimp.training.check import check

    return check(entry.card, watch=lambda what, done, total: shown.update(done, total, what))


def _chosen(names: list[str], all_: bool, family: str | None) -> list[Entry]:
    """The methods to be checked.

    Raises:
        InputError: none is named, or one that registered no experiment.
    """
    from scrimp.evaluate.check import checkable

    if family is not None:
        _check_family(family)
    if all_ == bool(names):
        raise InputError("methods check takes names, or --all", remedy="scrimp methods check top-k")
    entries = _entries()
    if all_:
        quick = [entry for entry in entries if checkable(entry.card) and entry.card.family != "trainer"]
        return [entry for entry in quick if family in (None, entry.card.family)]
    by_name = {entry.card.name: entry for entry in entries}
    for name in names:
        if name not in by_name:
            raise UnknownName("method", name, by_name)
        if not checkable(by_name[name].card):
            raise InputError(f"{name} is a baseline or a control: it claims no saving", remedy="name another method")
    return [by_name[name] for name in names]


def _print_checks(found: list[Any]) -> None:
    from scrimp.cli import values

    made = table("method", "n", "success", "difference", "unit", "cost ratio [95 %]", "verdict", "stated",
                 right=("n",), fixed=("method", "unit"))  # fmt: skip
    for one in found:
        low, high = one.effectiveness["interval"]
        ratio, span = one.cost["ratio"], one.cost["interval"]
        between = f" [{span[0]:.3f}, {span[1]:.3f}]" if span else ""
        made.add(
            one.name, str(one.n), values.percent(one.effectiveness["method"]),
            f"{100 * low:+.1f} to {100 * high:+.1f} points", one.cost["unit"],
            "unknown" if ratio is None else f"{ratio:.3f}{between}", one.verdict, one.stated or "none",
        )  # fmt: skip
    show(made)


def card(entry: Entry) -> dict[str, Any]:
    """The document of `methods show`: a row of the list, and what stands only on the card."""
    from scrimp.evaluate.check import saved

    one = entry.card
    return {
        **entry.to_json(),
        "claim": one.claim,
        "measured": saved().get(one.name),
        "notes": one.notes,
        "workload": one.workload,
        "n": one.n,
        "margin": one.margin,
        "verdicts": dict(one.verdicts),
    }


def _measured(found: Mapping[str, Any] | None) -> str:
    if found is None or found["cost"]["ratio"] is None:
        return ""
    cost, span = found["cost"], found["cost"]["interval"]
    between = f" ({span[0]:.3f} to {span[1]:.3f})" if span else ""
    return f"{cost['ratio']:.3f}{between} of the baseline's {cost['unit']} on {found['model']}, n = {found['n']}"


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
