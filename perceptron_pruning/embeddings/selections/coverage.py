"""Subsets that cover the embeddings: farthest first, the best represented, the mean of a class.

Each works on the rows of one class, or on all rows without labels; the work grows with the square of their number.

References:
    Sener & Savarese 2018, arXiv:1708.00489 (k-centre greedy); Mirzasoleiman et al. 2015, arXiv:1409.7938 (stochastic
    greedy); Welling 2009, Rebuffi et al. 2017, arXiv:1611.07725 (herding).
"""

import numpy as np

MISSED = 0.05  # ε: stochastic greedy is within 1 − 1/e − ε of the best subset in the mean
MOST_PAIRED = 2000  # rows of which the similarities of all pairs are held in memory


def k_centre(inputs: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Farthest first: each kept row is the one farthest from those before it, the first is nearest the mean, (count,).

    The largest distance of a row to its nearest kept row is at most twice the least possible.
    """
    squares = np.einsum("ij,ij->i", inputs, inputs)
    place = int(_squared_distances(inputs, squares, inputs.mean(axis=0)).argmin())
    kept, nearest = [place], _squared_distances(inputs, squares, inputs[place])
    nearest[place] = -np.inf
    while len(kept) < count:
        place = int(nearest.argmax())
        kept.append(place)
        np.minimum(nearest, _squared_distances(inputs, squares, inputs[place]), out=nearest)
        nearest[place] = -np.inf  # of equal rows each is kept once
    return np.array(kept)


def facility_location(inputs: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows S that make Σ_i max_{j∈S} s_ij large, s = 1 + cosine about the mean, by stochastic greedy, (count,).

    Each kept row is the one of largest gain among (n/count) ln(1/ε) that are drawn of those left.
    """
    centred = inputs - inputs.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)
    pairs = 1 + unit @ unit.T if len(unit) <= MOST_PAIRED else None
    drawn = int(np.ceil(len(inputs) / count * np.log(1 / MISSED)))
    covered, left, kept = np.zeros(len(inputs), unit.dtype), np.arange(len(inputs)), []
    while len(kept) < count:
        places = rng.choice(left.size, min(drawn, left.size), replace=False)
        similar = 1 + unit[left[places]] @ unit.T if pairs is None else pairs[left[places]]
        gains = np.maximum(similar - covered, 0).sum(axis=1)
        best = int(gains.argmax())
        np.maximum(covered, similar[best], out=covered)
        kept.append(int(left[places[best]]))
        left[places[best] : -1] = left[places[best] + 1 :]
        left = left[:-1]
    return np.array(kept)


def herding(inputs: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows whose mean stays near that of all: the k-th is nearest to k times the mean less the sum so far, (count,)."""
    mean, squares = inputs.mean(axis=0), np.einsum("ij,ij->i", inputs, inputs)
    kept: list[int] = []
    wanted, free = mean.copy(), np.ones(len(inputs), bool)
    while len(kept) < count:
        distances = np.where(free, squares - 2 * (inputs @ wanted), np.inf)
        place = int(distances.argmin())
        kept.append(place)
        free[place] = False
        wanted += mean - inputs[place]
    return np.array(kept)


def _squared_distances(inputs: np.ndarray, squares: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return squares - 2 * (inputs @ centre) + centre @ centre
