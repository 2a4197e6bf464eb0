"""Engine of `empirical_risk`: order parameters, their saddle point, its solution and its independent residual."""
