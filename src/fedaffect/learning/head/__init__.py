"""A linear head on a frozen ONNX backbone, trained in numpy."""
