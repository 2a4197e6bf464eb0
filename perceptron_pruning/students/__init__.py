"""Students of any convex loss with a ridge, each verified to optimality."""
