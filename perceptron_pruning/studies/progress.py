"""How far a study is: a bar on a terminal, elsewhere lines now and then, or nothing."""

import sys

from tqdm import tqdm

_SECONDS = 15.0  # between lines


class ProgressLines(tqdm):
    """A bar that writes lines instead, for logs and where there is no terminal."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Writes how far it is, as a line."""
        print(msg or str(self), file=sys.stderr, flush=True)

    def clear(self, nolock: bool = False) -> None:
        """Nothing: lines stay."""

    def close(self) -> None:
        """Writes a last line, once."""
        if not self.disable:
            self.display()
        self.disable = True


def progress_bar(name: str, whole: float, done: float, *, lines: bool = False) -> tqdm:
    """A bar of estimated seconds, so that the time left is right although the longest tasks come first.

    Args:
        name: What is being done.
        whole: Estimated seconds of all of it.
        done: Of these, what is done.
        lines: Whether lines are written where there is no terminal; else nothing is.
    """
    if lines and not sys.stderr.isatty():
        look = "{desc}: {percentage:.0f} % simulated, {elapsed} so far, {remaining} left"
        return ProgressLines(desc=name, total=whole, initial=done, mininterval=_SECONDS, bar_format=look)
    look = "{desc}: {percentage:3.0f}% |{bar}| {elapsed} so far, {remaining} left"
    return tqdm(desc=name, total=whole, initial=done, disable=None, bar_format=look)
