"""Statistics behind the verdicts: effects with intervals, claims judged by them, calibration of z-scores."""
