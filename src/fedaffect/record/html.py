"""Pages that open from disk: the templates of `pages/`, with what all of them use."""

from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from fedaffect import __version__
from fedaffect.record import wording
from fedaffect.record.summary import SCORES


def render(template: str, **context: Any) -> str:
    """A template of `pages/` filled in; every text in it is escaped."""
    folder = resources.files("fedaffect.record") / "pages"
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": wording.figure,
        "interval": wording.interval,
        "data_size": wording.data_size,
        "duration": wording.duration,
        "shape": wording.shape,
    }
    environment.globals |= {
        "count": wording.count,
        # Markup: matplotlib has escaped every text in it.
        "picture": lambda drawing: Markup(drawing.svg),
        "scores": SCORES,
        "words": wording.EVALUATIONS,
        "version": __version__,
    }
    return environment.get_template(template).render(**context)
