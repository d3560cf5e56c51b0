"""A table of words, for a terminal, for a page in Markdown and for a paper in LaTeX."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

_GAP = 2
_TEX = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"±": r"$\pm$", "×": r"$\times$", "→": r"$\rightarrow$", "–": "--", "…": r"\ldots{}"},
}


@dataclass(frozen=True)
class Column:
    """A column's head.

    Attributes:
        group: what it shares with its neighbours, above its name.
        words: what stands in it is read, not compared: flush left.
    """

    name: str
    group: str = ""
    words: bool = False

    @property
    def title(self) -> str:
        return f"{self.group} {self.name}".strip()


@dataclass(frozen=True)
class Sheet:
    """Columns, and rows with a cell for each; the first column names the rows."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_tables(self, width: int) -> list[Table]:
        """For a terminal of so many columns: as few tables as fit, each with the names of the rows."""
        widths = [self._width(place) for place in range(len(self.columns))]
        parts: list[list[int]] = [[]]
        for place in range(1, len(self.columns)):
            taken = 1 + widths[0] + sum(widths[other] for other in parts[-1])
            if parts[-1] and taken + widths[place] > width:
                parts.append([])
            parts[-1].append(place)
        return [self._table([0, *part]) for part in parts]

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
        """What a column takes of a terminal, its two lines of a title below each other."""
        column = self.columns[place]
        cells = (column.group, column.name, *(row[place] for row in self.rows))
        return max(map(cell_len, cells)) + _GAP

    def _table(self, places: Sequence[int]) -> Table:
        table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        grouped = any(self.columns[place].group for place in places)
        for place in places:
            column = self.columns[place]
            title = f"{column.group}\n{column.name}" if grouped else column.name
            table.add_column(
                escape(title),
                justify="left" if column.words else "right",
                overflow="fold",
                no_wrap=place > 0,
            )
        for row in self.rows:
            table.add_row(*(escape(row[place]) for place in places))
        return table


def latex(text: str) -> str:
    """Text with everything escaped that LaTeX would take for a command; the minus of a number as one."""
    escaped = "".join(_TEX.get(character, character) for character in text)
    return re.sub(r"(?<![\w.-])-(?=\d)", "$-$", escaped)


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(map(latex, cells)) + r" \\"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
