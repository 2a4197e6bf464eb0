"""The command ``perceptron-pruning theory``: curves and surfaces of the theory, as tables and pictures."""
