"""Corpora: what a corpus is, how it is read, kept, made and shared out among clients."""

from fedaffect.corpus.schema import (
    SPLITS,
    UNLABELLED,
    ConversationCorpus,
    Corpus,
    Modality,
    Provenance,
)

__all__ = ["SPLITS", "UNLABELLED", "ConversationCorpus", "Corpus", "Modality", "Provenance"]
