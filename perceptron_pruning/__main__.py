"""``python -m perceptron_pruning`` is the command ``perceptron-pruning``."""

from perceptron_pruning.cli import main

if __name__ == "__main__":
    main()
