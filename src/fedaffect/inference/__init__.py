"""What works on numbers alone, with numpy only: prototypes, calibration, decision fusion, smoothing."""
