"""`scrimp runs`: what the journal holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.exports import export, query
from scrimp.cli.options import Experiment, Json, Labels, open_journal, read_labels
from scrimp.cli.output import complain, emit, note
from scrimp.cli.tables import show, table
from scrimp.core.errors import InputError

if TYPE_CHECKING:
    from scrimp.agent import Result
    from scrimp.core.task import Answer
    from scrimp.journal.resume import Outcome

app = new_app("What was run: read it, repeat it at no cost, hand it on.")

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, a beginning of it that is unique, or: last.")]

DIFFERENT = 1


@app.command("list")
def list_(
    label: Labels = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many, newest first.")] = 20,
    experiment: Experiment = None,
    as_json: Json = False,
) -> None:
    """The newest runs."""
    labels = read_labels(label)
    from scrimp.cli import values
    from scrimp.cli.output import short
    from scrimp.cli.recorded import row

    journal = open_journal(experiment)
    rows = [row(journal, record) for record in journal.runs(labels=labels, limit=limit)]
    if as_json:
        return emit(rows)
    if not rows:
        return note("no runs yet" if not labels else "no run has these labels")
    made = table(
        "run", "started", "status", "system", "model", "cost", "tokens", "time", "task",
        right=("cost", "tokens", "time"), fixed=("run", "started", "status"),
    )  # fmt: skip
    for one in rows:
        made.add(
            one["run"], values.moment(one["started"]), one["status"], one["system"], short(one["model"], 32),
            values.money(one["cost"]), values.count(values.all_tokens(one["tokens"])), values.seconds(one["seconds"]),
            short(one["task"], 60),
        )  # fmt: skip
    return show(made)


@app.command("show")
def show_(run: Run, experiment: Experiment = None, as_json: Json = False) -> None:
    """One run: its answer, where its cost went, and every step."""
    from scrimp.cli.recorded import document, print_steps
    from scrimp.cli.results import print_run
    from scrimp.cli.tables import facts

    journal = open_journal(experiment)
    record = journal.run(run)
    found = document(journal, record)
    if as_json:
        return emit(found)
    labels = ", ".join(f"{key}={value}" for key, value in record.labels.items())
    show(
        facts(
            [
                ("task", record.task["text"]),
                ("models", ", ".join(f"{role} {name}" for role, name in found["models"].items())),
                ("labels", labels),
                ("experiment", record.experiment),
                ("stopped by", found.get("error", "")),
            ]
        ),
        "",
    )
    print_run(found)
    show("")
    return print_steps(journal, record.id)


@app.command()
def replay(run: Run, experiment: Experiment = None, as_json: Json = False) -> None:
    """Repeat a recorded run without any model, tool or network, and compare the answers.

    Exit code 1 if the answer differs, 4 if the run would ask for something else today.
    """
    import anyio

    from scrimp.agent import Agent
    from scrimp.cli.results import print_run
    from scrimp.core.system import System

    journal = open_journal(experiment)
    record = journal.run(run)
    if record.answer is None:
        raise InputError(f"run {record.id} never ended, so there is nothing to compare a replay with")
    agent = Agent(System.from_data(record.system, source=f"run {record.id}"), journal=journal)
    result: Result = anyio.run(agent.replay, record.id)
    equal = _same(result.as_answer(), record.answer) and result.status == record.status
    if as_json:
        emit({**result.to_json(), "replayed": True, "equal": equal})
    else:
        print_run(result.to_json())
        show("", "replayed from the journal, nothing was spent; " + ("equal" if equal else "NOT equal"))
    if not equal:
        complain(f"run {record.id} was answered {record.answer['text']!r} when it was recorded")
        raise typer.Exit(DIFFERENT)


@app.command()
def resume(
    run: Run,
    tools: Annotated[
        list[str] | None, typer.Option("--tools", metavar="FILE.py", help="The files of its tools; repeatable.")
    ] = None,
    unknown: Annotated[
        list[str] | None,
        typer.Option(
            "--unknown",
            metavar="CALL=done|failed",
            help="How a call with side effects went that was under way at the stop; repeatable.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Go on with a run whose process ended. Nothing that was committed is sent, or paid, again."""
    told = dict(_told(text) for text in unknown or ())
    import anyio

    from scrimp.agent import Agent
    from scrimp.cli.results import print_run
    from scrimp.cli.tool_files import load_tools
    from scrimp.core.system import System
    from scrimp.journal.journal import Journal

    journal = Journal()
    record = journal.run(run)
    offered = [tool for name in tools or () for tool in load_tools(name)]
    agent = Agent(System.from_data(record.system, source=f"run {record.id}"), tools=offered, journal=journal)

    async def once() -> Result:
        try:
            return await agent.resume(record.id, unknown=told)
        finally:
            await agent.outfit.aclose()

    result: Result = anyio.run(once)
    if as_json:
        emit(result.to_json())
    else:
        print_run(result.to_json())
    if result.status != "done":
        complain(result.error)
        raise typer.Exit(3 if result.status == "budget" else 4)


def _told(text: str) -> tuple[str, Outcome]:
    call, _, outcome = text.rpartition("=")
    if not call or outcome not in ("done", "failed"):
        raise InputError(f"--unknown {text!r} is not CALL=done or CALL=failed", remedy="scrimp runs show RUN")
    return call, "done" if outcome == "done" else "failed"


@app.command()
def delete(run: Run, experiment: Experiment = None, as_json: Json = False) -> None:
    """Forget a run: its events, and every text that no other run uses."""

    journal = open_journal(experiment)
    record = journal.run(run)
    journal.delete(record.id)
    if as_json:
        return emit({"run": record.id, "deleted": True})
    return note(f"run {record.id} is deleted")


app.command()(export)
app.command()(query)


def _same(answer: Answer, recorded: Any) -> bool:
    return answer.to_json().get("text") == recorded.get("text") and (
        [(call.name, call.arguments) for call in answer.calls]
        == [(call["name"], call["arguments"]) for call in recorded.get("calls", ())]
    )
