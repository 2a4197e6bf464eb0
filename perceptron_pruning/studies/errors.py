"""What can go wrong with a sweep, beyond a caller's mistake."""


class SweepError(RuntimeError):
    """Some cells could not be computed; all others are in the store."""


class StoreError(OSError):
    """The store cannot be used or written: it belongs to something else, or the disk refuses."""
