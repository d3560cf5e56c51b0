"""Rows of figures as CSV, for whoever computes with them."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any


def csv_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """A heading and a line a row; a cell stays empty where a row has no such figure. Empty without rows."""
    if not rows:
        return ""
    text = io.StringIO()
    columns = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
