"""Engine of `max_margin`: equations, solver and independent residual."""
