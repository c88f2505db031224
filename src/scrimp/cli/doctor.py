"""`scrimp doctor`: what works on this machine, and what to install for the rest."""

from __future__ import annotations

import typer

from scrimp.cli.apps import new_app
from scrimp.cli.options import Json

app = new_app()

NO = 1


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look at Python, the home folder, models, embedders and what else is of use; nothing is changed.

    Exit code 1 if the core does not work; what is only missing is said with the command that gets it.
    """
    from scrimp.cli.checks import Check, examine
    from scrimp.cli.output import emit
    from scrimp.cli.tables import show, table

    checks: list[Check] = examine()
    works = all(check.ok for check in checks if check.core)
    if as_json:
        emit({"ok": works, "checks": [check.to_json() for check in checks]})
    else:
        made = table("", "what", "found", "to mend it", fixed=("what",))
        for check in checks:
            made.add("ok" if check.ok else "NO" if check.core else "no", check.name, check.detail, check.remedy)
        show(made, "", "the core works" if works else "the core does NOT work")
    raise typer.Exit(0 if works else NO)
