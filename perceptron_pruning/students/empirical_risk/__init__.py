"""Students of an empirical risk: the problem and its optimality (R1)–(R3) in ``problem``; Newton's method for smooth
losses, an interior point for the hinge, an augmented Lagrangian for losses with a proximal operator."""
