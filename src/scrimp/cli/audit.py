"""`scrimp audit`: where recorded runs spent their money, and what would have saved it."""

from __future__ import annotations

import shlex
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from scrimp.cli.apps import Group, new_app
from scrimp.cli.options import Json, Prices, check_prices
from scrimp.cli.output import complain, emit, note
from scrimp.core.errors import InputError

if TYPE_CHECKING:
    from scrimp.audit.audit import Audit
    from scrimp.audit.part import Options

DIFFERENT, WRONG = 1, 2
FILES, RECONCILE = "files", "reconcile"


class AuditGroup(Group):
    """`audit` takes paths; its one other word is `reconcile`."""

    default: ClassVar[str] = FILES

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take what is no `reconcile` as paths and options of the audit itself."""
        named = bool(args) and args[0] in (RECONCILE, FILES)
        return super().parse_args(ctx, args if named else [FILES, *args])


app = new_app("Where recorded runs spent their money, and what would have saved it.", cls=AuditGroup)

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files of recorded runs, or folders of them.")]
Format = Annotated[str | None, typer.Option("--format", metavar="F", help="The trace format; told by content else.")]
Unnamed = Annotated[str | None, typer.Option("--default-model", metavar="M", help="The model of runs that name none.")]
Schemas = Annotated[
    Path | None, typer.Option("--tools", metavar="FILE", help="Tool schemas (JSON), for records that lack them.")
]
Workers = Annotated[int, typer.Option("--workers", min=0, metavar="N", help="Processes; one a processor at 0.")]


@app.command(FILES, hidden=True)
def files(
    ctx: typer.Context,
    paths: Paths,
    format_: Format = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="M", help="What the same tokens would cost on this model.")
    ] = None,
    default_model: Unnamed = None,
    prices: Prices = None,
    tools: Schemas = None,
    runs_per_month: Annotated[
        int | None, typer.Option("--runs-per-month", min=1, metavar="N", help="Say dollars per month.")
    ] = None,
    failure_cost: Annotated[
        str | None, typer.Option("--failure-cost", metavar="USD", help="What a failed run costs you.")
    ] = None,
    emit_config: Annotated[
        Path | None,
        typer.Option("--emit-config", metavar="FILE", help="Write the best combination as a System's TOML."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page that needs no network.")
    ] = None,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Copy texts as they are, whatever stands in them.")
    ] = False,
    workers: Workers = 0,
    sample: Annotated[
        float, typer.Option("--sample", min=0.1, metavar="MB", help="How much of the trace remedies are simulated on.")
    ] = 32.0,
    as_json: Json = False,
) -> None:
    """Where recorded runs spent their money, what was waste, and what each remedy would have saved.

    No model is called and nothing leaves this machine. Exit code 2 where nothing could be read, or a file that was
    named could not.
    """
    check_prices(prices)
    _check_folder("--html", html)
    _check_folder("--emit-config", emit_config)
    from scrimp.audit.part import Options

    options = Options(
        format=format_ or "", prices=prices, default_model=default_model or "", model=model or "",
        tools=None if tools is None else str(tools), runs_per_month=runs_per_month,
        failure_cost=_dollars(failure_cost), show_secrets=show_secrets, workers=workers, sample=sample,
    )  # fmt: skip
    audit = _audit(paths, options)
    if not audit.files:
        reasons = [f"{item.path}: {item.why}" for item in audit.skipped[:3]]
        raise InputError(f"no recorded run in {', '.join(map(str, paths))} ({'; '.join(reasons) or 'no file'})",
                         remedy="known formats: " + ", ".join(_formats()))  # fmt: skip
    document = audit.to_json()
    document["command"] = _written(ctx)
    if emit_config is not None:
        from scrimp.audit.combination import emit_config as write_config

        models = [name for name in document["models"] if name != "not named"]
        write_config(
            document["remedies"], document["combination"]["remedies"], emit_config, models[0] if models else ""
        )
    if html is not None:
        from scrimp.report.audit import write

        write(document, html)
    _show(document, as_json, html, emit_config)
    for item in audit.failed:
        complain(f"{item.path}: {item.why}")
    if audit.failed:
        raise typer.Exit(WRONG)


@app.command(RECONCILE)
def reconcile(
    invoice: Annotated[Path, typer.Argument(metavar="INVOICE", help="A provider's usage or cost export (CSV).")],
    paths: Paths,
    format_: Format = None,
    default_model: Unnamed = None,
    prices: Prices = None,
    as_json: Json = False,
) -> None:
    """Hold a provider's usage export against the recorded runs, line by line. Exit code 1 where they do not agree."""
    check_prices(prices)
    from scrimp.audit.audit import runs_of
    from scrimp.audit.part import Options
    from scrimp.audit.reconcile import reconcile as hold

    missing = [path for path in paths if not path.exists()]
    if missing:
        raise InputError(f"there is no {missing[0]}")
    options = Options(format=format_ or "", prices=prices, default_model=default_model or "")
    found = hold(invoice, runs_of(paths, options))
    if as_json:
        emit(found.to_json())
    else:
        from scrimp.cli.audited import print_reconciliation

        print_reconciliation(found.to_json())
    if not found.agrees:
        raise typer.Exit(DIFFERENT)


def _audit(paths: list[Path], options: Options) -> Audit:
    """Audit with progress on standard error."""
    from scrimp.audit.audit import audit_paths
    from scrimp.cli.progress import Progress, megabytes

    with Progress("reading", megabytes) as shown:
        return audit_paths(
            paths, options, lambda done, total, runs: shown.update(done, total, f"{runs:,} runs")
        )  # fmt: skip


def _show(document: dict[str, Any], as_json: bool, html: Path | None, config: Path | None) -> None:
    if as_json:
        emit(document)
        return
    from scrimp.cli.audited import print_audit

    print_audit(document, html=html is not None)
    if config is not None:
        note(f"System: {config}")
    if html is not None:
        note(f"page: {html}")


def _dollars(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text.lstrip("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise InputError(f"--failure-cost {text} is no amount", remedy="write dollars, as --failure-cost 2.50")
    return amount


def _check_folder(option: str, file: Path | None) -> None:
    if file is None:
        return
    if file.is_dir():
        raise InputError(f"{option} {file} is a folder", remedy="name a file in it")
    if not file.parent.is_dir():
        raise InputError(f"{option}: there is no folder {file.parent}")


def _formats() -> list[str]:
    from scrimp.audit.reading import READERS

    return [name.replace("_", "-") for name in READERS]


def _written(ctx: typer.Context) -> str:
    words = (ctx.find_root().obj or {}).get("words", ())
    return shlex.join(["scrimp", *(word for word in words if word != "--json")]) if words else ""
