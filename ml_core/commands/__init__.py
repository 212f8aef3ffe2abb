"""What `python -m ml_core` does, one module a command (`tables` is `ml_core.study`)."""
