"""Engine of `version_space`: the saddle point of its entropy, found along a path in α, and an independent residual."""
