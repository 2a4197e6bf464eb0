"""Engine of `risk_on_data`: the leave-one-out theory of students trained on random subsets of given rows."""
