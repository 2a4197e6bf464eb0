"""Answers that may take longer than a page waits: they go on in the background, and the page asks again."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any

_AT_ONCE = 2  # solved at the same time, for a user who moves on has no use for the older ones


class Jobs:
    """What is being solved, by question. A question that waits gives way to a newer one."""

    def __init__(self):
        self._lock = Lock()
        self._running: dict[Hashable, Future[Any]] = {}
        self._waiting: tuple[Hashable, Callable[[], Any], Future[Any]] | None = None

    def answer(self, question: Hashable, solve: Callable[[], Any], *, seconds: float) -> Any:
        """What ``solve`` returns, or None if that takes longer; asked again, it is the same job.

        Raises:
            Exception: What ``solve`` raises.
        """
        job = self._job(question, solve)
        try:
            found = job.result(timeout=seconds)
        except TimeoutError:
            if not job.done():
                return None
            raise
        finally:
            if job.done():
                with self._lock:
                    if self._running.get(question) is job:
                        del self._running[question]
        return found

    def _job(self, question: Hashable, solve: Callable[[], Any]) -> Future[Any]:
        """The job of a question, which is begun, or put before those that wait."""
        with self._lock:
            if question in self._running:
                return self._running[question]
            if self._waiting is not None and self._waiting[0] == question:
                return self._waiting[2]
            job: Future[Any] = Future()
            if sum(not running.done() for running in self._running.values()) < _AT_ONCE:
                self._begin(question, solve, job)
            else:
                self._waiting = (question, solve, job)
            return job

    def _begin(self, question: Hashable, solve: Callable[[], Any], job: Future[Any]) -> None:
        self._running = {key: one for key, one in self._running.items() if not one.done()} | {question: job}
        Thread(target=self._solve, args=(solve, job), daemon=True).start()

    def _solve(self, solve: Callable[[], Any], job: Future[Any]) -> None:
        try:
            job.set_result(solve())
        except BaseException as error:
            job.set_exception(error)
        with self._lock:
            if self._waiting is not None:
                question, solve, job = self._waiting
                self._waiting = None
                self._begin(question, solve, job)
