"""What a table of retrained students says: exponents, fitted curves, claims with verdicts."""
