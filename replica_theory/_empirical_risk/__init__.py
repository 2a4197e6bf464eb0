"""Engine of `empirical_risk`: equations, solver and independent residual."""
