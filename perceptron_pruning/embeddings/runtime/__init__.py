"""What carries a run of `score`: blocks, processes, progress, checkpoints, costs, settings."""
