"""The words and symbols of a report."""

TERMS = {
    "α": "Examples per dimension of the inputs, P/N: α_prune of those that are kept, α_total of the whole pool.",
    "f": "Kept fraction: the share of the pool that is kept, α_prune/α_total.",
    "θ": "Angle between probe and teacher; 0 is a perfect probe.",
    "κ": "Margin of the student: the least y J·x over the kept examples, J the student of unit norm.",
    "R": "Overlap of student and teacher, the cosine of their angle; the test error is ε = arccos(R)/π.",
    "ρ": "Overlap of student and probe.",
    "frontier": "The least error at each number of kept examples, over all kept fractions that the pool allows.",
    "probe": "The direction whose margins say which examples are hard (small margin) or easy (large).",
    "teacher, student": "The direction that labels the examples; the one that is trained on what is kept.",
    "z-score": "Difference of simulation and theory over its standard error.",
}
