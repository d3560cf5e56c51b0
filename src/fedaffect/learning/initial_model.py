"""The trained model that a run starts from, `start.run`, instead of one initialised from the seed."""

from pathlib import Path

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.store import sha256_of
from fedaffect.errors import UserError
from fedaffect.experiment import Experiment, Start
from fedaffect.learning.learner import Learner
from fedaffect.learning.saved import SavedModel, file_of, read_config, tensors_of

MEMBER = "model"
WITHOUT_INITIAL_MODEL = ("forest", "fedncm")
"""Models and algorithms that build their model anew and ignore an initial one."""


def resolved(start: Start) -> Start:
    """The section with the SHA-256 of its model; unchanged where that is recorded and the folder is gone.

    Raises:
        UserError: no finished run with a single model, or a model other than `start.sha256`.
    """
    folder = _folder(start)
    if not start.run or (start.sha256 and not folder.exists()):
        return start
    if MEMBER not in _config(start).members:
        raise UserError(
            f"start.run: {start.run}: it has a model for each client; name a run with one model"
        )
    file = file_of(folder, MEMBER)
    if not file.is_file():
        raise UserError(f"start.run: {file}: no such file; restore it")
    digest = sha256_of(file)
    if start.sha256 not in ("", digest):
        raise UserError(
            f"start.run: {file}: its SHA-256 is {digest}, not {start.sha256}: another model; put the "
            "first one back, or start another run with start.sha256="
        )
    return start.model_copy(update={"sha256": digest})


def load_initial(learner: Learner, corpus: ConversationCorpus, experiment: Experiment) -> None:
    """Load the model of `start.run` into a learner; feature statistics stay those of the clients.

    Raises:
        UserError: a model of another name, backbone, classes or shapes, or a learner that takes none.
    """
    start, model = experiment.start, experiment.model
    for name in (model.name, experiment.algorithm.name):
        if name in WITHOUT_INITIAL_MODEL:
            raise UserError(f"start.run: {name} takes no initial model; leave start.run out")
    config = _config(start)
    found, where = config.experiment.model, f"start.run: {start.run}"
    if found.name != model.name:
        raise UserError(f"{where}: its model is {found.name}; set model.name={found.name}")
    if found.settings.get("sha256") != model.settings.get("sha256"):  # of a head's backbone
        raise UserError(f"{where}: its head has another backbone; set model.backbone to that one")
    if config.classes != corpus.classes:
        raise UserError(
            f"{where}: its classes are {', '.join(config.classes)}, those of {corpus.name} "
            f"{', '.join(corpus.classes)}; use a corpus with the same classes in the same order"
        )
    try:
        tensors = tensors_of(_folder(start), MEMBER)
        learner.set({name: a for name, a in tensors.items() if name.startswith("model/")})
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _config(start: Start) -> SavedModel:
    if any(Path(start.run).glob("seed-*/model")):
        raise UserError(f"start.run: {start.run}: a run of several seeds; name one, such as seed-0")
    try:
        return read_config(_folder(start), allow_code=True)  # nothing of it is imported here
    except UserError as error:
        raise UserError(f"start.run: {error}") from None


def _folder(start: Start) -> Path:
    return Path(start.run) / "model"
