"""Students of a convex loss: Newton, interior point and proximal solvers, one verification."""
