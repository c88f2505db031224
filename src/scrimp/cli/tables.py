"""Tables and texts for people, in the width of the terminal. rich is imported when something is printed."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scrimp.cli.output import one_line, safe, write

if TYPE_CHECKING:
    from rich.console import RenderableType

PIPED_WIDTH = 160
"""Columns where the output is no terminal and COLUMNS does not say."""

LEAST = 14
"""Columns that a column of words must have to be readable."""

GAP = 3


@dataclass
class Grid:
    """A table of texts. Where it would be too narrow to read, each row becomes a block of lines.

    Attributes:
        right: columns of numbers, set to the right; like those in `fixed` they are never broken.
    """

    headers: tuple[str, ...]
    right: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    rows: list[tuple[tuple[str, ...], bool]] = field(default_factory=list)

    def add(self, *cells: str, bold: bool = False) -> None:
        """Add a row."""
        self.rows.append((tuple(map(one_line, cells)), bold))

    def fits(self, columns: int) -> bool:
        """Whether every column can be read in that width."""
        from rich.cells import cell_len

        needed = GAP * (len(self.headers) - 1)
        for index, header in enumerate(self.headers):
            widest = max(cell_len(header), *(cell_len(cells[index]) for cells, _ in self.rows), 0)
            needed += widest if header in self.right | self.fixed else min(widest, LEAST)
        return needed <= columns

    def render(self, columns: int) -> RenderableType:
        """The table as rich prints it."""
        return self._table() if self.fits(columns) else self._blocks()

    def _table(self) -> RenderableType:
        from rich import box
        from rich.table import Table

        made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for header in self.headers:
            whole = header in self.right | self.fixed
            justify = "right" if header in self.right else "left"
            made.add_column(header, justify=justify, no_wrap=whole, overflow="fold")  # type: ignore[arg-type]
        for cells, bold in self.rows:
            made.add_row(*cells, style="bold" if bold else None)
        return made

    def _blocks(self) -> str:
        blocks = []
        for cells, _ in self.rows:
            named = [(header, cell) for header, cell in zip(self.headers, cells, strict=True) if cell]
            lines = [named[0][1], *(f"  {header}: {cell}" for header, cell in named[1:])] if named else []
            blocks.append("\n".join(lines))
        return "\n".join(blocks)


def table(*headers: str, right: Iterable[str] = (), fixed: Iterable[str] = ()) -> Grid:
    """An empty table; see Grid."""
    return Grid(headers, frozenset(right), frozenset(fixed))


def facts(rows: Sequence[tuple[str, str]]) -> RenderableType:
    """Names and values, one pair per line; pairs without a value are left out."""
    from rich.table import Table

    made = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True, style="dim")
    made.add_column(overflow="fold")
    for name, value in rows:
        if value:
            made.add_row(name, safe(value))
    return made


def show(*parts: Any) -> None:
    """Print Grids, texts and whatever rich prints to standard output; colours only on a terminal."""
    from rich.console import Console

    encoding = sys.stdout.encoding or "utf-8"
    page = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="")
    console = Console(
        file=page, force_terminal=sys.stdout.isatty(), width=width(), markup=False, highlight=False, emoji=False
    )
    for part in parts:
        console.print(part.render(console.width) if isinstance(part, Grid) else part)
    page.flush()
    page.seek(0)
    # A table pads its lines to its width, and nobody wants the blanks in a file.
    write("".join(f"{line.rstrip(' ')}\n" for line in page.read().splitlines()))


def width() -> int:
    """Columns that a line may have."""
    return max(20, shutil.get_terminal_size((PIPED_WIDTH, 24)).columns)


def bar(share: float, cells: int = 12) -> str:
    """A share from 0 to 1 as a bar."""
    full = round(max(0.0, min(1.0, share)) * cells * 2)
    if not (sys.stdout.encoding or "utf-8").lower().startswith("utf"):
        return "#" * round(full / 2)
    return "━" * (full // 2) + ("╸" if full % 2 else "")
