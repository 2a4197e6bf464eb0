"""The kept part of a PyTorch dataset. Needs torch."""

from typing import TYPE_CHECKING, Any

import numpy as np

from perceptron_pruning.embeddings.adapters.kept_rows import checked_rows

if TYPE_CHECKING:
    from torch.utils.data import Subset  # pyright: ignore[reportMissingImports]


def kept_subset(dataset: Any, kept: np.ndarray) -> "Subset":
    """A `torch.utils.data.Subset` of the rows that `keep`, `select` or a recommendation keeps.

    Args:
        dataset: A map-style dataset, in the order of the scored rows.
        kept: Row numbers.

    Raises:
        ImportError: PyTorch is not installed.
        ValueError: These are no row numbers, one is beyond the dataset, or one occurs twice.

    Example:
        Of any dataset that has a length and items:

        >>> import numpy as np
        >>> from perceptron_pruning.embeddings.adapters.torch_subset import kept_subset
        >>> small = kept_subset(["cat", "dog", "cow"], np.array([0, 2]))
        >>> len(small), small[1]
        (2, 'cow')
    """
    rows = checked_rows(kept, len(dataset))
    try:
        from torch.utils.data import Subset  # pyright: ignore[reportMissingImports]
    except ImportError as missing:
        raise ImportError('`kept_subset` needs PyTorch: pip install "perceptron-pruning[torch]"') from missing
    return Subset(dataset, rows.tolist())
