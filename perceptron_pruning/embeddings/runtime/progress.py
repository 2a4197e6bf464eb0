"""Progress reporters: silent in a program, lines and bars on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """A reporter that `score` calls while it works."""

    def say(self, text: str) -> None:
        """Shows a text, such as the plan with its costs."""
        ...

    def task(self, label: str, *, total: int, unit: str) -> AbstractContextManager[Callable[[int], object]]:
        """Context manager of one pass over ``total`` units; yields a function to call with every number finished."""
        ...


class NoProgress:
    """Shows nothing."""

    def say(self, text: str) -> None:
        pass

    @contextmanager
    def task(self, label: str, *, total: int, unit: str) -> Iterator[Callable[[int], object]]:
        yield lambda count: None


class TerminalProgress:
    """Lines and bars on the standard error; the bars only where it is a terminal."""

    def say(self, text: str) -> None:
        from tqdm import tqdm

        tqdm.write(text, file=sys.stderr)

    @contextmanager
    def task(self, label: str, *, total: int, unit: str) -> Iterator[Callable[[int], object]]:
        from tqdm import tqdm

        with tqdm(desc=label, total=total, unit=unit, unit_scale=True, disable=None, leave=False) as bar:
            yield bar.update
