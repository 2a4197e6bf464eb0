"""The distribution of a student in N dimensions, expanded to order 1/N."""
