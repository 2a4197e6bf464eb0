"""Max-margin students: many candidates on the device or the CPU, then an exact finish."""
