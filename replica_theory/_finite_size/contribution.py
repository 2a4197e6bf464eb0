"""What one effect of finite size adds to a value of the theory."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """Moments over trials that an effect adds.

    Attributes:
        shift: To the mean.
        variance: To the variance.
    """

    shift: float = 0.0
    variance: float = 0.0
