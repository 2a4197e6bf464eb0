"""Engine of `version_space`: equations, solver and independent residual."""
