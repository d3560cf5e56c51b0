"""The Python interface: what the commands do, as functions; heavy packages are imported when called."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fedaffect.errors import UserError
from fedaffect.experiment import Experiment

if TYPE_CHECKING:
    from fedaffect.corpus import ConversationCorpus
    from fedaffect.federation.events import Listener
    from fedaffect.importing import Imported, Options
    from fedaffect.learning.predictor import Prediction
    from fedaffect.studies.compare.comparison import Comparison
    from fedaffect.studies.evaluate.result import EvaluationResult

Place = str | Path


def load_corpus(source: Place) -> "ConversationCorpus":
    """An imported corpus from its folder, or the embedded one, `synthetic`.

    Raises:
        UserError: no corpus there, or a damaged one.
    """
    from fedaffect.runs.execute import open_corpus

    return open_corpus(str(source))


def import_corpus(
    source: Place,
    out: Place,
    *,
    options: "Options | None" = None,
    reader: str | None = None,
    non_finite: Literal["refuse", "drop"] = "refuse",
) -> "Imported":
    """Convert a file or folder, once, into a corpus that is safe to read; as `fedaffect data import`.

    Args:
        source: a file or folder; what it holds decides which reader it gets.
        out: the folder to make, or a corpus to replace.
        options: as on the command line (see `fedaffect.importing.Options`).
        reader: a reader's name, or `package.module:Class` of your own.
        non_finite: refuse vectors with NaN or Inf, or drop them as absent.

    Returns:
        the corpus, how many vectors of each modality were dropped, and what is worth a warning.

    Raises:
        UserError: what a reader or the check refuses; then nothing was written.
    """
    from fedaffect import importing

    asked = options or importing.Options()
    return importing.import_corpus(source, out, asked, reader=reader, non_finite=non_finite)


def run(
    experiment: Experiment | Place,
    out: Place,
    *,
    settings: Iterable[str] = (),
    resume: bool = False,
    listeners: "Sequence[Listener]" = (),
) -> dict[str, Any]:
    """Train an experiment and write its folder; as `fedaffect run`.

    Args:
        experiment: one in Python, a preset's name or a TOML file.
        out: the folder of the run.
        settings: changes, `section.name=value`.
        resume: go on with a run begun before; a finished one is read.
        listeners: called with each event (see `federation.events`).

    Returns:
        the figures of `summary.json`.

    Raises:
        UserError: whatever the user can mend.
    """
    from fedaffect.runs.execute import execute

    if not isinstance(experiment, Experiment):
        experiment = Experiment.load(experiment)
    changed = experiment.with_settings(settings) if settings else experiment
    return execute(changed, Path(out), "from Python", listeners, resume)


def predict(
    run: Place,
    data: Place,
    *,
    client: str | None = None,
    device: str = "cpu",
    allow_code: bool = False,
) -> "Prediction":
    """Every utterance of a corpus through the model of a finished run.

    Args:
        data: as `load_corpus`.
        client: whose model, where each client has its own.
        allow_code: import the model class that the run names, where it is not one of ours.

    Returns:
        the corpus as the model sees it, and row by row float32 `probability` [utterances, classes] and
        `modality_weights` [utterances, modalities].

    Raises:
        UserError: no trained model, no such client, or a corpus that does not fit.
    """
    from fedaffect.learning import predictor
    from fedaffect.runs.trained import trained_model

    folder, _, member = trained_model(Path(run), client, allow_code)
    return predictor.predict(folder, load_corpus(data), member, device, allow_code)


def evaluate(
    run: Place,
    data: Place | None = None,
    *,
    classes: Place | None = None,
    split: Literal["train", "dev", "test", "all"] = "test",
    without_copies: bool = False,
    device: str = "cpu",
    allow_code: bool = False,
) -> "EvaluationResult":
    """Evaluate the model of a run on a part of a corpus, its own or another; as `fedaffect evaluate`.

    Args:
        data: as `load_corpus`; None = the one it was trained on.
        classes: a TOML file that maps classes of another corpus.
        without_copies: leave out images that are in the run's training part too.

    Raises:
        UserError: no trained model, or a corpus or classes that do not fit.
    """
    from fedaffect.learning.saved import read_config
    from fedaffect.runs.trained import single_run
    from fedaffect.studies.evaluate.judge import judge
    from fedaffect.studies.evaluate.result import make_result
    from fedaffect.studies.evaluate.task import of_run

    if split not in ("train", "dev", "test", "all"):
        raise UserError(f"split: no part `{split}`; give train, dev, test or all")
    folder = single_run(Path(run))
    model = read_config(folder / "model", allow_code)
    source, mapping = data and str(data), Path(classes) if classes else None
    task = of_run(folder, model, source or None, mapping, split, without_copies)
    found = [judge(folder / "model", m, task, device, allow_code) for m in model.members]
    return make_result(folder.name, task, found, model.experiment.seed, model.reader)


def compare(*runs: Place) -> "Comparison":
    """Runs side by side, the first being what the others are compared with; as `fedaffect compare`.

    Raises:
        UserError: fewer than two runs, one that has not finished, or one given twice.
    """
    from fedaffect.studies.compare.comparison import compare

    comparison, _ = compare([Path(run) for run in runs])
    return comparison
