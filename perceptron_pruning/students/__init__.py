"""Students, each verified to optimality: of max margin, and of any convex loss with a ridge.

``training`` is the entry for either. Both fits solve a problem a core, by NumPy and LAPACK; the compiled engine
(`perceptron_pruning.device`) has solvers of its own. ``arrays`` is the array library of code that serves both,
``predictor_corrector`` the step of both interior points, ``normal_equations`` the matrix Aᵀ D A of every Newton step.
"""
