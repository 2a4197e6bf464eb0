"""Engine of `structured_risk`: a few directions of any law, and around them a Gaussian bulk with radii."""
