"""How commands are grouped: typer's groups, with help for a bare name and a clear word for a wrong one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from scrimp.cli.output import write
from scrimp.core.errors import UnknownName


@dataclass(frozen=True)
class Lazy:
    """A command that is imported when it is called: the module whose `app` it is, and its line in the help."""

    module: str
    help: str

    def load(self) -> TyperCommand | TyperGroup:
        """Import the module and build the command."""
        return built(importlib.import_module(self.module).app)


class Group(TyperGroup):
    """A group that prints its help when nothing follows its name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            write(f"{self.get_help(ctx)}\n")
            raise typer.Exit
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first word names.

        Raises:
            UnknownName: there is none; the nearest are offered.
        """
        known = self.list_commands(ctx)
        if not ctx.resilient_parsing and args[0] not in known:
            raise UnknownName(f"{ctx.command_path} command", args[0], known)
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """A group that knows its commands from a table and imports only the one that is called."""

    table: ClassVar[Mapping[str, Lazy]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        return self.table[cmd_name].load() if cmd_name in self.table else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the table into the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self.table.items()])


def new_app(help_: str | None = None, *, cls: type[Group] = Group) -> typer.Typer:
    """A typer app in the house's manner: plain help, our own errors."""
    return typer.Typer(
        cls=cls,
        help=help_,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def built(app: typer.Typer) -> TyperCommand | TyperGroup:
    """The command behind a typer app."""
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand | TyperGroup)
    return command
