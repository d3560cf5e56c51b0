"""Corpora: what a corpus is, how it is read, kept, made and shared out among clients."""

from fedaffect.corpus.schema import ConversationCorpus, Corpus, Provenance
from fedaffect.schema import SPLITS, UNLABELLED, Modality

__all__ = ["SPLITS", "UNLABELLED", "ConversationCorpus", "Corpus", "Modality", "Provenance"]
