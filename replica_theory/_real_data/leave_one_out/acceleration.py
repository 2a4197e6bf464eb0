"""Anderson's acceleration of a fixed-point iteration."""

import numpy as np

_DEPTH = 6  # steps that are remembered, the last one among them
_DAMPING = 1e-11  # of the normal equations, relative
_LEAST = 1e-300  # square of a difference, of a step that changed nothing


class Anderson:
    """What the last steps of an iteration changed, and how that differed from step to step."""

    def __init__(self) -> None:
        self._images = self._changes = np.empty((0, 0))  # differences between steps
        self._normal = np.eye(_DEPTH - 1)  # products of the latter with each other
        self._n_differences = 0
        self._last: tuple[np.ndarray, np.ndarray] | None = None  # image and change

    def forget(self) -> None:
        """Begins anew."""
        self._n_differences, self._last = 0, None

    def following(self, point: np.ndarray, image: np.ndarray) -> np.ndarray:
        """The next point: the combination of the last images whose changes cancel best."""
        change = image - point
        if len(self._images) == 0:
            self._images, self._changes = (np.empty((_DEPTH - 1, len(point))) for _ in range(2))
        if self._last is not None:
            place = self._n_differences % (_DEPTH - 1)
            np.subtract(image, self._last[0], out=self._images[place])
            np.subtract(change, self._last[1], out=self._changes[place])
            self._n_differences += 1
            known = min(self._n_differences, _DEPTH - 1)
            products = self._changes[:known] @ self._changes[place]
            self._normal[place, :known] = self._normal[:known, place] = products
            self._normal[place, place] = max(products[place] * (1 + _DAMPING), _LEAST)
        self._last = image, change
        known = min(self._n_differences, _DEPTH - 1)
        if known == 0:
            return image
        shares = np.linalg.solve(self._normal[:known, :known], self._changes[:known] @ change)
        return image - shares @ self._images[:known]
