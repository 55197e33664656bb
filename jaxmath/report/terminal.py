"""Text and tables on a terminal of any width and encoding."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxmath.config.errors import visible
from jaxmath.report.numbers import ascii_only

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

NARROW = 72
"""Below this many columns what would be a table stands on lines of its own."""


def width(most: int = 100) -> int:
    """The columns for text: those of the terminal, or COLUMNS, and never more than so many."""
    return min(most, shutil.get_terminal_size((most, 24)).columns)


def _console() -> Console:
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to the command what a reader that has gone means; rich would exit with 1."""
            raise BrokenPipeError

    # A dumb terminal rich takes to be 80 wide, unless it is told both sizes.
    columns, lines = shutil.get_terminal_size((80, 25))
    return Piped(highlight=False, width=columns, height=lines)


class Printer:
    """Prints text as the console's encoding allows; nothing in it is read as markup."""

    def __init__(self, console: Console | None = None):
        self.console = console = console or _console()
        self.ascii = not (console.encoding or "").lower().startswith("utf")
        self.narrow = console.width < NARROW

    def text(self, content: str, style: str = "") -> Text:
        """The content without control characters, in ASCII where the console knows no more."""
        from rich.text import Text

        content = "\n".join(visible(line, 10_000) for line in content.splitlines())
        return Text(ascii_only(content) if self.ascii else content, style)

    def line(self, content: str = "", style: str = "", indent: int = 0) -> None:
        """A paragraph, or an empty line."""
        from rich.padding import Padding

        if not content:
            self.console.print()
            return
        self.console.print(Padding(self.text(content, style), (0, 0, 0, indent), expand=False))

    def whole(self, content: str) -> None:
        """A line that is never broken, so that it can be copied."""
        self.console.print(self.text(content), soft_wrap=True)

    def grid(self) -> Grid:
        """A table without columns yet."""
        from rich import box
        from rich.table import Table as Grid

        return Grid(
            box=box.ASCII if self.ascii else box.SIMPLE_HEAD, header_style="dim", pad_edge=False,
            show_edge=False, padding=(0, 1),
        )  # fmt: skip

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of which the first column may be broken over lines.

        Where it does not fit, each row is a paragraph, with a line for each of its cells.
        """
        if self.narrow or not self._fits(header, rows):
            for first, *rest in rows:
                self.line(first)
                for name, cell in zip(header[1:], rest, strict=True):
                    self.line(f"{name}: {cell}", "dim", indent=2)
            return
        grid = self.grid()
        for at, name in enumerate(header):
            grid.add_column(self.text(name), overflow="fold", no_wrap=at > 0)
        for row in rows:
            grid.add_row(*map(self.text, row))
        self.console.print(grid)

    def _fits(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
        first = max(len(word) for row in (header, *rows) for word in (row[0].split() or [""]))
        rest = (max(map(len, column)) for column in list(zip(header, *rows, strict=True))[1:])
        return first + sum(3 + width for width in rest) <= self.console.width
