"""Gaussian functions, quadrature, interpolation, and roots and minima in one variable."""
