"""Thresholds that decide verdicts: one of each kind for the whole project."""

CONFIDENCE = 0.95
"""Coverage of the intervals that decide the sign of an effect."""

LARGEST_Z = 5.0
"""Largest |z| at which a number agrees with its reference; the largest of 10³ standard normals is beyond it with
probability 6e-4."""

LEAST_DEGREES_OF_FREEDOM = 4
"""Fewest degrees of freedom of a standard error that decides anything: five seeds."""
