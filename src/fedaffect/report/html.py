"""Pages that open from disk: the templates of `templates/`, with what all of them use."""

from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from fedaffect.record.summary import SCORES
from fedaffect.report import formatting
from fedaffect.version import __version__


def render(template: str, **context: Any) -> str:
    """A template of `templates/` filled in; every text in it is escaped."""
    folder = resources.files("fedaffect.report") / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = ("figure", "interval", "data_size", "duration", "shape")
    environment.filters |= {name: getattr(formatting, name) for name in filters}
    environment.globals |= {
        "count": formatting.count,
        # Markup: matplotlib has escaped every text in it.
        "picture": lambda drawing: Markup(drawing.svg),
        "scores": SCORES,
        "words": formatting.EVALUATIONS,
        "version": __version__,
    }
    return environment.get_template(template).render(**context)
