"""Engine of `optimal_selection`: descent to the best rule of any student, by the influence of examples on its error."""
