"""Federated multimodal emotion recognition: the recordings stay with the people who made them."""

__version__ = "0.2.0"
