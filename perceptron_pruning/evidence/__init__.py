"""What numbers allow to say: effects with intervals, claims with verdicts, calibration."""
