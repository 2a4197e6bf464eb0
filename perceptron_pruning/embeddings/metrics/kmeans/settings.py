"""What a k-means run is told."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class KMeansSettings:
    """k-means.

    Attributes:
        n_clusters: k; None means the number of classes, or 10 without labels.
        start: "k-means++" on a sample of rows (all of them up to 20 000), or "random" rows.
        spherical: Rows and centroids on the unit sphere; the distance is ‖x/|x| − c‖ = √(2 − 2 cos).
        iterations: Most steps of Lloyd's algorithm.
        tolerance: Stops when a step lowers the objective by less than this share of it.
        engine: "jax" (all platforms), or "faiss" for the assignment (extra ``faiss``).
    """

    n_clusters: int | None = None
    start: Literal["k-means++", "random"] = "k-means++"
    spherical: bool = False
    iterations: int = 50
    tolerance: float = 1e-5
    engine: Literal["jax", "faiss"] = "jax"

    def __post_init__(self):
        if self.n_clusters is not None and self.n_clusters < 1:
            raise ValueError(f"`n_clusters` must be at least 1; got {self.n_clusters}")
        if self.iterations < 1:
            raise ValueError(f"`iterations` must be at least 1; got {self.iterations}")
        if not self.tolerance >= 0:
            raise ValueError(f"`tolerance` must be at least 0; got {self.tolerance}")
        for name, allowed in (("start", ("k-means++", "random")), ("engine", ("jax", "faiss"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"`{name}` must be one of {', '.join(allowed)}; got {getattr(self, name)}")
