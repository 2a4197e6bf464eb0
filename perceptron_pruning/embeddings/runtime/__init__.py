"""The machinery of `score`: preparation, blocks, process group, progress, checkpoints, costs, settings, manifest."""
