"""A linear head on a frozen ONNX backbone, learnt in numpy."""
