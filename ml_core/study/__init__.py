"""What `python -m ml_core tables` runs: every figure that the documents tell."""
