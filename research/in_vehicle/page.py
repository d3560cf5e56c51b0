"""docs/results/in-vehicle.md, its tables and its pictures."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fedaffect.record.files import write_text
from research.in_vehicle import pictures, tables
from research.in_vehicle.corrupted import CorruptedResult, FaceResult
from research.in_vehicle.fusion import Result, WeightedResult
from research.in_vehicle.pairs import BODY, FACE

NAME = "in-vehicle"

WORDS = """\
# In a vehicle: faces and body signals, fused

    python -m research.in_vehicle.measure{options} --seeds {seeds}

**pairing = label-matched.** Nobody recorded these faces and these body signals together: a face of FER2013
is put beside a window of WESAD's wrist band because both carry the same label
([how](../in-vehicle.md#pairs-that-nobody-recorded)). Their errors are independent given the label by
construction, which is what fusion gains most from. **No fused figure here says how much a face adds to the
pulse of the same driver.** What may be compared is rule with rule, calibrated with not, federated with
centralised, whole with spoilt.

Three states: amusement (17 % of the windows), baseline (53 %), stress (30 %). The faces were learnt in seven
classes, and what is said of them is brought to three; the forests learn from the windows of nine people, each
a client. {seeds} seeds deal the 15 people into nine to learn from, three for dev and three for test, and pair
anew; {pairs} pairs are judged. Mean ± standard deviation over seeds, which all look at the same 15 people and
the same face models: it tells how windows and pairs vary, not how trainings do. Test faces that are in train
too, 288 of 3,589, are in no pair and no score. The face runs:

{runs}

How to read it:

- *Balanced*: mean recall of the three states, by which rows are compared; always one state would score 0.333.
- *Calibrated*: one temperature a modality, fitted on dev, which is three people. It never changes what one
  modality alone decides. ECE: expected calibration error, how sure against how often right.
- *Weighed on dev*: the product rule with the weight of the face that is best on dev.
- *Gain*: balanced accuracy, calibrated, less that of the better modality alone with the same seed; in
  brackets in how many seeds it is above 0.
- *Feature level*: logistic regression on the face's embedding beside the body's columns, learnt from the
  pairs of train, its ridge chosen on dev. The network has learnt train's faces by heart, so the regression
  trusts faces more than it should. Its Newton steps take sums over clients alone: federated it is the same.
- Nobody told the rules, but for `stacked` and *feature level*, how frequent each state is.
"""
COMPARE = """\
They do not compare, and nothing here is meant to reach them:

- **Other data.** Gül et al. measured body signals of their own, which are not published; ours are of a wrist
  band in a laboratory, of people that no forest has seen.
- **Other classes.** Here faces are brought to three states of the body, of which one is half of all.
- **Other pairs.** How a face of FER2013 and a body signal came to be one item is not told. By label, as here,
  fusion gains whatever independence gives it: of two voters right in 77 and 74 % of the cases
  [the product is right in 89 %](../in-vehicle.md#five-rules), before anybody has looked at a driver.
- **Other splits.** That no person is both in train and in test is said here and not there.
"""
ROBUST = """\
One modality is spoilt at test, the other left as it is, by the
[table of hard conditions](../in-vehicle.md#hard-conditions); the federated models (`private` forest) answer.
An item that is lost counts as wrong where the modality stands alone; fused, the other one answers.
Temperatures and the learnt rule are those of clean dev items: nobody told them. *Plain*: models that never
saw a spoilt item. *Augmented*: half of their training items were spoilt in one of the same ways, up to
severity 3; that says nothing of other kinds of trouble.
"""


def write(
    out: Path,
    results: Sequence[Result],
    weighted: Sequence[WeightedResult],
    corrupted: Sequence[CorruptedResult],
    of_faces: Sequence[FaceResult],
    runs: Mapping[str, str],
) -> None:
    """
    Args:
        runs: by option, how a face run was trained.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in (
        ("", results),
        ("-weights", weighted),
        ("-spoilt", corrupted),
        ("-faces", of_faces),
    ):
        _write_csv(out / f"{NAME}{name}.csv", [asdict(row) for row in rows])
    pictures.weights(weighted).save(out, f"{NAME}-weights")
    for modality in (FACE, BODY):
        some = [s for s in corrupted if s.modality == modality]
        pictures.corrupted(some).save(out, f"{NAME}-spoilt-{modality}")
    pictures.faces(of_faces).save(out, f"{NAME}-faces")
    write_text(out / f"{NAME}.md", page(results, corrupted, of_faces, runs))


def page(
    results: Sequence[Result],
    corrupted: Sequence[CorruptedResult],
    of_faces: Sequence[FaceResult],
    runs: Mapping[str, str],
) -> str:
    pairs = sorted({r.pairs for r in results})
    parts = [
        WORDS.format(
            options="".join(f" --{name} RUN" for name in runs),
            runs="\n".join(f"- *{name}*: {description}" for name, description in runs.items()),
            seeds=len({r.seed for r in results}),
            pairs=f"{pairs[0]} to {pairs[-1]}" if len(pairs) > 1 else f"{pairs[0]}",
        )
    ]
    for learnt in dict.fromkeys(r.learnt for r in results):
        table = tables.rows([r for r in results if r.learnt == learnt])
        parts += [f"## {learnt[0].upper()}{learnt[1:]}\n", *table.as_markdown(), ""]
    parts += [
        "## How much weight a face should have\n",
        f"![Balanced accuracy against the weight of the face]({NAME}-weights.svg)\n",
        "At 0 the body alone decides, at 1 the face. Calibrated; means over seeds.\n",
        *("## Beside the paper\n", *tables.beside_the_paper(results).as_markdown(), "", COMPARE),
        *("## Hard conditions\n", ROBUST),
    ]
    for modality in (FACE, BODY):
        some = [s for s in corrupted if s.modality == modality]
        parts += [
            f"### The {modality} is spoilt\n",
            f"![Balanced accuracy by severity]({NAME}-spoilt-{modality}.svg)\n",
            f"Balanced accuracy, calibrated, means over seeds; *fused* by `{tables.SHOWN}`.\n",
            *(*tables.corrupted(some, modality).as_markdown(), ""),
        ]
    parts += [
        "### Faces in their seven classes\n",
        f"![Accuracy by severity]({NAME}-faces.svg)\n",
        "Accuracy on FER2013's private test faces, without those that are in train too.\n",
        *(*tables.faces(of_faces).as_markdown(), ""),
        f"All figures: [rows]({NAME}.csv), [weights]({NAME}-weights.csv), "
        f"[spoilt, by every rule]({NAME}-spoilt.csv), [faces]({NAME}-faces.csv).\n",
    ]
    return "\n".join(parts)


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})
