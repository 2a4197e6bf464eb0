"""Engine of `risk_on_data` with more than two classes: the leave-one-out theory of softmax students."""
