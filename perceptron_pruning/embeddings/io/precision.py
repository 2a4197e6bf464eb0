"""Stored numbers in the precision of the arithmetic; half precision three times as fast as NumPy widens it.

A half-precision number is one of single precision with its bits moved, times 2¹¹²: the exponent has 5 bits for 8, and a
bias of 15 for 127. Subnormal numbers come out exactly too; infinities and NaN are left to NumPy.
"""

import numpy as np

WIDENED_TOGETHER = 2**16  # numbers, so that the steps of a piece meet in the cache
SIGN_AND_FRACTION = np.array(0x8FFFE000, np.uint32).view(np.int32)[()]  # of a sign-extended half, moved by 13 bits
EXPONENT_SHIFT = np.float32(2.0**112)
INFINITE, MINUS_INFINITE = 0x7C00, 0xFC00  # bits from which positive and negative halves are not finite


def in_precision(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The values as ``dtype``: the array itself where it has it, else equal to ``values.astype(dtype)``."""
    values = np.asarray(values)
    if values.dtype == np.float16 and dtype == np.float32 and values.dtype.isnative:
        return _single(values)
    return values.astype(dtype, copy=False)


def _single(half: np.ndarray) -> np.ndarray:
    """Half precision → single precision, exactly."""
    bits = np.ascontiguousarray(half).reshape(-1).view(np.int16)
    single = np.empty(bits.size, np.float32)
    for start in range(0, bits.size, WIDENED_TOGETHER):
        _widen(bits[start : start + WIDENED_TOGETHER], single[start : start + WIDENED_TOGETHER])
    return single.reshape(half.shape)


def _widen(bits: np.ndarray, single: np.ndarray) -> None:
    """A piece of them, into ``single``."""
    if bits.max() >= INFINITE or bits.view(np.uint16).max() >= MINUS_INFINITE:
        single[:] = bits.view(np.float16)
        return
    moved = single.view(np.int32)
    moved[:] = bits
    moved <<= 13
    moved &= SIGN_AND_FRACTION
    single *= EXPONENT_SHIFT
