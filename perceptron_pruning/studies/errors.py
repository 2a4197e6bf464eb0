"""What can go wrong with a study, beyond a caller's mistake."""


class SweepError(RuntimeError):
    """Some cells could not be computed; all others are in the store.

    Example:
        >>> from perceptron_pruning.sweeps import SweepError
        >>> issubclass(SweepError, RuntimeError)
        True
    """


class StoreError(OSError):
    """The store cannot be used or written: it belongs to another study, driver or version, or the disk refuses.

    Example:
        >>> from perceptron_pruning.sweeps import StoreError, read_sweep
        >>> try:
        ...     read_sweep("nowhere.zarr")
        ... except StoreError as error:
        ...     print(error)
        nowhere.zarr is no sweep's store; give another path
    """
