"""Engine of probes trained on their own pool: order parameters of learners in a row, saddle points, residuals."""
