"""The figures: of the theory with its simulation, and of real data."""
