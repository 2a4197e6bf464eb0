"""What a colour means in every picture; all are told apart in grey and by colour-blind eyes.

Hard, easy and random have the same three colours and markers everywhere; kept fractions and other numbers lie on
sequential maps, from dark to light.
"""

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_hex

HARD, EASY, RANDOM = "#08519C", "#F28E1C", "#7F7F7F"  # lightness L* 35, 68, 53
RULE_COLOURS = {"hard": HARD, "easy": EASY, "random": RANDOM}
RULE_MARKERS = {"hard": "o", "easy": "s", "random": "D"}
BEST = "#117733"  # the best of all rules, or what is chosen
OWN, FOREIGN = "#5B2A86", "#B784C9"  # a probe trained on the pool that it prunes, and one that knows nothing of it

KINDS = ("#1B1464", "#8E2460", "#C4541D", "#1F9E8F", "#E3B11B")  # of students, metrics: from dark to light

# Okabe & Ito's colours, which remain distinct for colour-blind readers: where grey print does not matter
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

HARD_OR_EASY = LinearSegmentedColormap.from_list("hard or easy", ["#062E5B", HARD, "#F7F7F7", EASY, "#8A4300"])
"""Blue, low: where keeping the hard is better; orange, high: where keeping the easy is."""
SEQUENTIAL = "viridis"  # colour scale for maps


def fraction_colour(fraction: float) -> str:
    """Colour of a kept fraction: dark for the whole pool, light for a small part of it."""
    return to_hex(mpl.colormaps["viridis"](0.9 * (1 - fraction**0.7)))


def sequence(count: int) -> list[str]:
    """Colours of numbers in their order, other than kept fractions: from dark to light."""
    return [to_hex(mpl.colormaps["magma"](place)) for place in np.linspace(0.15, 0.76, count)]
