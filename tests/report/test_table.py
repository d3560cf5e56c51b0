import io

import pytest
from rich.console import Console

from fedaffect.report.table import Column, Sheet, latex

SHEET = Sheet(
    (
        Column("row", words=True),
        Column("recall", "calm & so"),
        Column("F1", "calm & so"),
        Column("all"),
    ),
    (("a_b | c", "0.5", "-0.25", "1.0 ± 0.1"), ("d", "–", "–", "–")),
)


def test_a_page_has_a_line_a_row() -> None:
    assert SHEET.as_markdown() == [
        "| row | calm & so recall | calm & so F1 | all |",
        "| :--- | ---: | ---: | ---: |",
        r"| a_b \| c | 0.5 | -0.25 | 1.0 ± 0.1 |",
        "| d | – | – | – |",
    ]


def test_a_paper_has_groups_of_columns_and_nothing_that_latex_would_obey() -> None:
    assert SHEET.as_latex() == (
        "\\begin{tabular}{lrrr}\n\\toprule\n"
        " & \\multicolumn{2}{c}{calm \\& so} &  \\\\\n\\cmidrule(lr){2-3}\n"
        "row & recall & F1 & all \\\\\n\\midrule\n"
        "a\\_b | c & 0.5 & $-$0.25 & 1.0 $\\pm$ 0.1 \\\\\nd & -- & -- & -- \\\\\n"
        "\\bottomrule\n\\end{tabular}\n"
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % of {x} #1 $", r"50 \% of \{x\} \#1 \$"),
        (r"~^\ ", r"\textasciitilde{}\textasciicircum{}\textbackslash{} "),
        ("rate 3e-4, M3-NET", "rate 3e-4, M3-NET"),
        ("-0.07 to +0.01", "$-$0.07 to +0.01"),
    ],
)
def test_latex(text: str, escaped: str) -> None:
    assert latex(text) == escaped


@pytest.mark.parametrize(("width", "tables"), [(60, 1), (34, 2), (10, 3)])
def test_a_narrow_terminal_gets_parts_each_with_the_names_of_the_rows(
    width: int, tables: int
) -> None:
    found = SHEET.as_tables(width)
    assert len(found) == tables
    console = Console(width=max(width, 22), file=io.StringIO())
    console.print(*found)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert said.count("a_b | c") == tables
    for text in ("0.5", "-0.25", "1.0 ± 0.1", "all"):
        assert text in said
    assert all(len(line) <= max(width, 22) for line in said.splitlines())
