"""Training of torch networks: the trainer, objectives, optimisers, precision, export to ONNX."""
