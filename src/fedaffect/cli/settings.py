"""`fedaffect settings`: list the available settings."""

from typing import Annotated

import typer

from fedaffect.errors import UserError


def settings(
    sections: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SECTION...]",
            help="Only these: training, sdt, fedmpd, ..., or package.module:Class of your own.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as in docs/settings.md.")
    ] = False,
) -> None:
    """List the settings of an experiment: what `--set NAME=VALUE` takes, its default and meaning."""
    from rich.console import Console

    from fedaffect.report import settings_reference

    every = settings_reference.every_setting(name for name in sections or () if ":" in name)
    asked = {n: s for n, s in every.items() if not sections or {n, n.split()[-1]} & {*sections}}
    if not asked:
        from fedaffect import registry

        for name in sections or ():
            if name in registry.names("algorithm"):
                raise UserError(f"algorithm {name}: has no settings of its own")
        raise UserError(f"no such section; there are: {', '.join(every)}")
    if as_json or markdown:
        form = settings_reference.as_json if as_json else settings_reference.as_markdown
        typer.echo(form(asked))
        return
    console = Console()
    for name, found in asked.items():
        console.print(name, style="bold", markup=False, highlight=False)
        console.print(settings_reference.as_table(found))
