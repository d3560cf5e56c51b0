import io

import pytest
from rich.console import Console

from fedaffect.report.table import Column, Table, latex

TABLE = Table(
    (
        Column("row", words=True),
        Column("recall", "calm & so"),
        Column("F1", "calm & so"),
        Column("all"),
    ),
    (("a_b | c", "0.5", "-0.25", "1.0 ± 0.1"), ("d", "–", "–", "–")),
)


def test_a_page_has_a_line_a_row() -> None:
    assert TABLE.as_markdown() == [
        "| row | calm & so recall | calm & so F1 | all |",
        "| :--- | ---: | ---: | ---: |",
        r"| a_b \| c | 0.5 | -0.25 | 1.0 ± 0.1 |",
        "| d | – | – | – |",
    ]


def test_a_paper_has_groups_of_columns_and_nothing_that_latex_would_obey() -> None:
    assert TABLE.as_latex() == (
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


def printed(table: Table, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("width", "tables"), [(60, 1), (34, 2), (22, 3)])
def test_a_narrow_terminal_gets_parts_each_with_the_names_of_the_rows(
    width: int, tables: int
) -> None:
    text = printed(TABLE, width)
    assert text.count("a_b | c") == tables
    for cell in ("0.5", "-0.25", "1.0 ± 0.1", "all"):
        assert cell in text
    assert all(len(line) <= width for line in text.splitlines())


def test_words_are_broken_where_figures_are_not() -> None:
    """A long name and a long text share what figures leave; nothing is cut."""
    name, text = (
        "a row whose name is rather long for a terminal",
        "and a meaning that is long as well",
    )
    table = Table(
        (Column("row", words=True), Column("mean", words=True), Column("F1"), Column("of all")),
        ((name, text, "0.123 ± 0.004", "12,345"),),
    )
    lines = printed(table, 80).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert sum("0.123 ± 0.004" in line and "12,345" in line for line in lines) == 1
    assert {*name.split(), *text.split()} <= {*" ".join(lines).split()}
    assert "…" not in "".join(lines)


def test_headings_are_broken_between_words_only() -> None:
    table = Table((Column("row", words=True), Column("rounds to target")), (("a", "2.0"),))
    assert [line.split() for line in printed(table, 80).splitlines()[1:4]] == [
        *(["rounds"], ["to"], ["row", "target"]),
    ]


def test_a_column_for_pages_is_left_out_on_a_terminal() -> None:
    table = Table(
        (Column("row"), Column("change", page_only=True), Column("F1")), (("a", "b", "c"),)
    )
    assert "change" not in printed(table, 80)
    assert table.as_markdown()[0] == "| row | change | F1 |"


def test_a_table_without_headings_is_a_list() -> None:
    table = Table((Column("", words=True), Column("", words=True)), (("seeds", "2"), ("up", "1 B")))
    assert [line.split() for line in printed(table, 80).splitlines()] == [
        ["seeds", "2"],
        ["up", "1", "B"],
    ]


def test_a_row_for_each_of_what_is_shown() -> None:
    table = Table.of([1, 2], [(Column("number"), str), (Column("square"), lambda n: str(n * n))])
    assert table.rows == (("1", "1"), ("2", "4"))


def test_names_are_not_read_as_markup() -> None:
    table = Table((Column("run"), Column("[b]")), (("[red]x", "1"),))
    assert "[red]x" in printed(table, 80)
    assert "[b]" in printed(table, 80)
