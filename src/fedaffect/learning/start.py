"""The trained model that everybody starts from, where that is not one drawn from the seed."""

from pathlib import Path

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.store import sha256_of
from fedaffect.errors import UserError
from fedaffect.experiment import Start
from fedaffect.learning.learner import Learner
from fedaffect.learning.saved import SavedModel, file_of, read_config, tensors_of

MEMBER = "model"


def resolved(start: Start) -> Start:
    """The section with the digest of the model it names.

    Raises:
        UserError: no finished run of one model, or not the model of `start.sha256`.
    """
    if not start.run:
        return start
    folder = _folder(start)
    if MEMBER not in _config(start).members:
        raise UserError(
            f"start.run: {start.run}: it has a model a client; name a run whose clients share one"
        )
    file = file_of(folder, MEMBER)
    digest = sha256_of(file) if file.is_file() else "gone"
    if start.sha256 not in ("", digest):
        raise UserError(
            f"start.run: {file}: its SHA-256 is {digest}, not {start.sha256}: another model; put the first "
            "one back, or begin a run of its own"
        )
    return start.model_copy(update={"sha256": digest})


def begin(learner: Learner, corpus: ConversationCorpus, start: Start) -> None:
    """Give a learner the model; how features are scaled stays what the clients find out.

    Raises:
        UserError: a model of other classes, or one whose tensors do not fit the learner.
    """
    classes = _config(start).classes
    if classes != corpus.classes:
        raise UserError(
            f"start.run: {start.run}: it tells {', '.join(classes)} apart, {corpus.name} has "
            f"{', '.join(corpus.classes)}; the same classes in the same order are needed"
        )
    try:
        tensors = tensors_of(_folder(start), MEMBER)
        learner.set({name: a for name, a in tensors.items() if name.startswith("model/")})
    except UserError as error:
        raise UserError(f"start.run: {start.run}: {error}") from None


def _config(start: Start) -> SavedModel:
    try:
        return read_config(_folder(start), allow_code=True)  # of which nothing is imported
    except UserError as error:
        raise UserError(f"start.run: {error}") from None


def _folder(start: Start) -> Path:
    return Path(start.run) / "model"
