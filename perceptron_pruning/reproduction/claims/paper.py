"""Where the paper says what is judged: in its own words from the abstract, elsewhere in substance, with the place.

Sorscher, Geirhos, Shekhar, Ganguli & Morcos 2022, arXiv:2206.14486.
"""

THEORY_MATCHES = "Contribution 1, in substance: the theory quantitatively matches numerical experiments; Fig. 1"
ABUNDANT_OR_SCARCE = (
    "Contribution 1a, in substance: with abundant (scarce) initial data one should retain only hard (easy) examples; "
    "Fig. 1B"
)
STRATEGY_DEPENDS = (
    "Section 2, in substance: the optimal pruning strategy depends on the amount of initial data; Fig. 1C"
)
FIXED_FRACTION = "Section 2, in substance: at a fixed fraction the error returns to a power law in the end; Fig. 1A"
BEYOND_POWER_LAWS = 'Abstract: "in theory we can break beyond power law scaling"; Fig. 1A'
EXPONENTIAL = (
    'Abstract: "and potentially even reduce it to exponential scaling instead if we have access to a high-quality '
    'data pruning metric"; Fig. 1A'
)
SHRINKING_FRACTION = (
    "Contribution 1b, in substance: exponential scaling is possible provided that the Pareto-optimal share that is "
    "pruned increases with the size of the initial data; Fig. 1A, E"
)
QUALITY_NEEDED = "Section 2, in substance: beating power laws requires a high-quality pruning metric; Fig. 2"
INFORMATION = (
    "Section 2, in substance: pruning increases the information gained per example and keeps it from running out; "
    "Fig. 1F"
)
TRAINED_PROBE = "Section 2, in substance: the probe is a student trained on the data for a few epochs"
IMAGES = "Contribution 2, in substance: the theory's predictions hold in practice; Fig. 1D"
