"""What works on numbers alone, with numpy only: nearest prototypes, decision rules."""
