"""Max-margin students of labelled inputs, verified to optimality."""
