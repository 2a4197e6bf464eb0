"""What a table of retrained students says: exponents, laws, verdicts."""
