"""What can go wrong with a study, beyond a caller's mistake."""


class SweepError(RuntimeError):
    """Some cells could not be computed; all others are in the store."""


class StoreError(OSError):
    """The store cannot be used or written: it belongs to another study, driver or version, or the disk refuses."""
