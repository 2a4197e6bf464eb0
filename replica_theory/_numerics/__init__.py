"""Gaussian functions, quadrature and interpolation."""
