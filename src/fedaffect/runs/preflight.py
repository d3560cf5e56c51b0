"""What is looked at before the first of many runs begins, so that the last one costs no night."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from fedaffect.errors import UserError
from fedaffect.record.files import ENVIRONMENT, read_object
from fedaffect.runs.execute import corpus_of, open_corpus
from fedaffect.runs.pool import Job


def rehearse(jobs: Iterable[Job]) -> None:
    """Build what each variant trains on, and what it trains: whatever these refuse, they refuse now.

    Raises:
        UserError: naming the run, before any has begun.
    """
    from fedaffect.federation.simulation import Simulation
    from fedaffect.learning.build import build_learner

    first: dict[Path, Job] = {}
    for job in jobs:
        first.setdefault(job.folder.parent, job)
    for job in first.values():
        experiment = job.experiment
        try:
            corpus = corpus_of(experiment)
            Simulation(experiment, corpus, build_learner(corpus, experiment), job.folder)
        except UserError as error:
            raise UserError(f"{job.title}: {error}") from None


def ensure_same_corpus(jobs: Iterable[Job]) -> None:
    """Nothing, where what was run was run on the corpora that are there now.

    Raises:
        UserError: a corpus was imported anew since.
    """
    opened = cache(open_corpus)
    for job in jobs:
        environment = job.folder / ENVIRONMENT
        if not environment.is_file():
            continue
        cure = f"delete {job.folder} to run it again"
        then = read_object(environment, ["corpus_sha256"], cure)["corpus_sha256"]
        if then != opened(job.experiment.data).provenance.sha256:
            raise UserError(
                f"{job.folder}: was run on another corpus than {job.experiment.data} is now; "
                "delete it, or choose another --out"
            )
