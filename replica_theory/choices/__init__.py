"""What to choose, for any student: the rule, the fraction, the ridge, the random reserve, the verifier, and where two
rules do equally well."""
