"""A table of words: on a terminal, on a page in Markdown, in a paper in LaTeX."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Table as RichTable

WHOLE, NARROW = 32, 14
"""Longer names of rows, and longer words elsewhere, are broken where a terminal is narrow."""
_GAP = 2
_TEX = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"±": r"$\pm$", "×": r"$\times$", "→": r"$\rightarrow$", "–": "--", "…": r"\ldots{}"},
}
Of = TypeVar("Of")


@dataclass(frozen=True)
class Column:
    """A column's head.

    Attributes:
        group: what it shares with its neighbours, above its name.
        words: it is read, not compared: flush left, and broken where a terminal is narrow.
        page_only: left out on a terminal, which has no room for it.
    """

    name: str
    group: str = ""
    words: bool = False
    page_only: bool = False

    @property
    def title(self) -> str:
        return f"{self.group} {self.name}".strip()


@dataclass(frozen=True)
class Table:
    """Columns, and rows with a cell for each; the first column names the rows.

    Rich prints it as one table, or where the terminal is narrow as several below each other, each with the
    names of the rows. Figures are never broken or cut.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(
        cls, rows: Iterable[Of], columns: Sequence[tuple[Column, Callable[[Of], str]]]
    ) -> "Table":
        """A row for each of `rows`; a column is its head, and what gives its cell."""
        cells = (tuple(cell(row) for _, cell in columns) for row in rows)
        return cls(tuple(column for column, _ in columns), tuple(cells))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width - 1
        full = [self._width(place) + _GAP for place in range(len(self.columns))]
        longest = min(WHOLE, width // 2) + _GAP
        least = [min(full[0], longest)]
        for column, size in zip(self.columns[1:], full[1:], strict=True):
            most = NARROW + _GAP if column.words else max(width - least[0], 1)
            least.append(min(size, most))
        parts: list[list[int]] = [[0]]
        for place, column in enumerate(self.columns[1:], start=1):
            if column.page_only:
                continue
            if len(parts[-1]) > 1 and sum(least[i] for i in [*parts[-1], place]) > width:
                parts.append([0])
            parts[-1].append(place)
        for part in parts:
            widths = _widened([least[i] for i in part], [full[i] for i in part], width)
            yield self._part(part, [size - _GAP for size in widths])

    def as_markdown(self) -> list[str]:
        """The lines of a table."""
        rule = [":---" if column.words else "---:" for column in self.columns]
        titles = [column.title for column in self.columns]
        return [_line(cells) for cells in (titles, rule, *self.rows)]

    def as_latex(self) -> str:
        """A `tabular` that needs the package booktabs."""
        lines = [
            "\\begin{tabular}{" + "".join("rl"[c.words] for c in self.columns) + "}",
            r"\toprule",
        ]
        if any(column.group for column in self.columns):
            lines += self._latex_groups()
        lines += [_latex_line([column.name for column in self.columns]), r"\midrule"]
        lines += [_latex_line(row) for row in self.rows]
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])

    def _latex_groups(self) -> list[str]:
        cells, rules, place = list[str](), list[str](), 1
        for group, columns in groupby(self.columns, key=lambda column: column.group):
            size = len(list(columns))
            if group:
                cells.append(f"\\multicolumn{{{size}}}{{c}}{{{latex(group)}}}")
                rules.append(f"\\cmidrule(lr){{{place}-{place + size - 1}}}")
            else:
                cells += [""] * size
            place += size
        return [" & ".join(cells) + r" \\", " ".join(rules)]

    def _width(self, place: int) -> int:
        """Of the longest cell, or of a word of the heading where that is longer; of names all of it."""
        column = self.columns[place]
        heading = column.name.split() if place else [column.name]
        cells = (row[place] for row in self.rows)
        return max(cell_len(text) for text in (column.group, *heading, *cells))

    def _part(self, places: Sequence[int], widths: Sequence[int]) -> RichTable:
        head = any(column.title for column in self.columns)
        table = RichTable(
            header_style="bold",
            show_header=head,
            box=SIMPLE_HEAD if head else None,
            padding=(0, 1 if head else _GAP, 0, 0),
        )
        grouped = any(self.columns[place].group for place in places)
        for place, width in zip(places, widths, strict=True):
            column = self.columns[place]
            table.add_column(
                escape(f"{column.group}\n{column.name}" if grouped else column.name),
                justify="left" if column.words or place == 0 else "right",
                overflow="fold",
                width=width,
            )
        for row in self.rows:
            table.add_row(*(escape(row[place]) for place in places))
        return table


def latex(text: str) -> str:
    """Text with everything escaped that LaTeX would take for a command; the minus of a number as one."""
    escaped = "".join(_TEX.get(character, character) for character in text)
    return re.sub(r"(?<![\w.-])-(?=\d)", "$-$", escaped)


def _widened(least: Sequence[int], full: Sequence[int], width: int) -> list[int]:
    """The widths of columns, the narrowest widened first, as long as there is room and need."""
    widths = list(least)
    for _ in range(width - sum(least)):
        short = [place for place, size in enumerate(full) if widths[place] < size]
        if short:
            widths[min(short, key=widths.__getitem__)] += 1
    return widths


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(map(latex, cells)) + r" \\"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
