"""Inference with numpy: prototypes, forests, backbones in ONNX, calibration, decision fusion, smoothing."""
