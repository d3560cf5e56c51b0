"""The trained model that everybody starts from, where that is not one drawn from the seed."""

from pathlib import Path

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.store import sha256_of
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Start
from fedaffect.learning.learner import Learner
from fedaffect.learning.saved import SavedModel, file_of, read_config, tensors_of

MEMBER = "model"
FROM_NOTHING = ("forest", "fedncm")
"""Models and algorithms that make their model anew, whatever was there."""


def resolved(start: Start) -> Start:
    """The section with the digest of the model it names; as it is, where that has gone since it was noted.

    Raises:
        UserError: no finished run of one model, or not the model of `start.sha256`.
    """
    folder = _folder(start)
    if not start.run or (start.sha256 and not folder.exists()):
        return start
    if MEMBER not in _config(start).members:
        raise UserError(
            f"start.run: {start.run}: it has a model a client; name a run whose clients share one"
        )
    file = file_of(folder, MEMBER)
    if not file.is_file():
        raise UserError(f"start.run: {file}: no such file; restore it")
    digest = sha256_of(file)
    if start.sha256 not in ("", digest):
        raise UserError(
            f"start.run: {file}: its SHA-256 is {digest}, not {start.sha256}: another model; put the first "
            "one back, or begin another run with start.sha256="
        )
    return start.model_copy(update={"sha256": digest})


def load_initial(learner: Learner, corpus: ConversationCorpus, experiment: Experiment) -> None:
    """Give a learner the model; how features are scaled stays what the clients find out.

    Raises:
        UserError: a model of another kind or of other classes, one whose tensors do not fit the learner; or
            something that starts from nothing.
    """
    start, wanted = experiment.start, experiment.model
    for name in (wanted.name, experiment.algorithm.name):
        if name in FROM_NOTHING:
            raise UserError(f"start.run: {name} starts from nothing; leave it out")
    config = _config(start)
    given = config.experiment.model
    if given.name != wanted.name:
        raise UserError(f"start.run: {start.run}: its model is {given.name}, not {wanted.name}")
    if given.settings.get("sha256") != wanted.settings.get("sha256"):  # of a head
        raise UserError(f"start.run: {start.run}: its head is that of another model.backbone")
    if config.classes != corpus.classes:
        raise UserError(
            f"start.run: {start.run}: it tells {', '.join(config.classes)} apart, {corpus.name} has "
            f"{', '.join(corpus.classes)}; the same classes in the same order are needed"
        )
    try:
        tensors = tensors_of(_folder(start), MEMBER)
        learner.set({name: a for name, a in tensors.items() if name.startswith("model/")})
    except UserError as error:
        raise UserError(f"start.run: {start.run}: {error}") from None


def _config(start: Start) -> SavedModel:
    if any(Path(start.run).glob("seed-*/model")):
        raise UserError(f"start.run: {start.run}: holds several seeds; name one, as seed-0 in it")
    try:
        return read_config(_folder(start), allow_code=True)  # of which nothing is imported
    except UserError as error:
        raise UserError(f"start.run: {error}") from None


def _folder(start: Start) -> Path:
    return Path(start.run) / "model"
