"""Processes that solve what the page shows now: what it no longer shows is broken off, whatever it is."""

import math
import os
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from threading import Condition, Thread
from typing import get_args

from perceptron_pruning.explorer.memory import Memory, Missing, Task
from perceptron_pruning.explorer.state import Probe, State, Student
from perceptron_pruning.explorer.students import solved
from perceptron_pruning.parallel.worker import Interrupted, Worker

_FREE = 0  # number of the process that solves nothing but what comes first
_NICE = 5  # of the others: the browser's picture of what is solved goes before solving more
_AGAIN = 0.02  # s after which a call that nobody waits for is told so again


class Solvers:
    """Solves one question at a time, that of the last move, in several processes.

    Args:
        memory: Where solutions go.
        count: Processes that solve whatever there is; one more keeps itself free for what comes first.

    Example::

        solvers = Solvers(Memory())
        solvers.start()
        solvers.ask("error at α = 5", tasks, moved=time.time())
        solvers.wait("error at α = 5", lambda: solvers.memory.has(tasks), seconds=10.0)
        solvers.stop()
    """

    def __init__(self, memory: Memory, *, count: int = 2):
        self.memory = memory
        self._changed = Condition()
        self._question: Hashable = None
        self._tasks: Sequence[Task] = ()
        self._moved = -math.inf
        self._running: dict[int, Task] = {}
        self._broken_off: set[int] = set()
        self._workers: dict[int, Worker] = {}
        self._failure: BaseException | None = None
        self._stopped = False
        self._count = count

    def start(self) -> None:
        """Starts the processes, which takes a second; what is asked meanwhile waits for them."""
        for number in range(self._count + 1):
            Thread(target=self._serve, args=(number,), daemon=True).start()

    def ask(self, question: Hashable, tasks: Sequence[Task], *, moved: float) -> bool:
        """Turns to a question, and says whether it does.

        What is not a part of it is broken off, and what is, but may wait, gives way to what may not.

        Args:
            question: By which `wait` knows it.
            tasks: What it takes, in the order of its importance.
            moved: When the move was made, s. Requests overtake each other; a later move, of another window say, goes on
                until it is solved.
        """
        with self._changed:
            if question == self._question:
                return True
            if moved < self._moved and not self.memory.has(self._tasks):
                return False
            self._question, self._tasks, self._moved, self._failure = question, tasks, moved, None
            is_urgent = not self.memory.has(task for task in tasks if task.first)
            for number, task in self._running.items():
                if not self._is_wanted(task) or (is_urgent and not task.first):
                    self._broken_off.add(number)
                    self._workers[number].interrupt()
            self._changed.notify_all()
            return True

    def wait(self, question: Hashable, there: Callable[[], bool], *, seconds: float) -> bool:
        """Whether it is there within so many seconds; no, if another question is asked meanwhile.

        Raises:
            Exception: A solver failed, otherwise than where the theory has no solution.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._failure is not None or self._question != question or there(), timeout=seconds
            )
            if self._failure is not None and self._question == question:
                raise self._failure
            return self._question == question and there()

    def stop(self) -> None:
        """Ends the processes."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            for worker in self._workers.values():
                worker.stop()

    def _is_wanted(self, task: Task) -> bool:
        """Whether a part of the question is solved by it."""
        return any(task.curve == one.curve and not set(task.places).isdisjoint(one.places) for one in self._tasks)

    def _next(self, number: int) -> Task | None:
        """The first of what is neither solved nor being solved, for one of the processes."""
        taken: dict[Hashable, set[float]] = {}
        for task in self._running.values():
            taken.setdefault(task.curve, set()).update(task.places)
        for task in self._tasks:
            if number == _FREE and not task.first:
                continue
            if left := tuple(at for at in self.memory.left(task) if at not in taken.get(task.curve, ())):
                return replace(task, places=left)
        return None

    def _serve(self, number: int) -> None:
        """Drives one process, which is replaced when it dies."""
        while not self._stopped:
            worker = Worker()
            with self._changed:
                self._workers[number] = worker
                if self._stopped:
                    worker.stop()
            try:
                worker.send(warm_up)
                worker.receive()
                if number != _FREE:
                    worker.send(os.nice, (_NICE,))
                    worker.receive()
                self._drive(number, worker)
            except BrokenExecutor:
                with self._changed:
                    self._broken_off.discard(number)
                    if lost := self._running.pop(number, None):  # asked again, it may kill the next one
                        reasons = [Missing("the process that solved it was ended")] * len(lost.places)
                        self.memory.keep(lost.curve, lost.places, reasons)
                    self._changed.notify_all()

    def _drive(self, number: int, worker: Worker) -> None:
        """Gives a process one task after the other."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._next(number) is not None)
                task = self._next(number)
                if self._stopped or task is None:
                    return
                worker.send(task.solve, (task.places,))
                self._running[number] = task
            while not worker.has_result(_AGAIN):
                with self._changed:
                    if number in self._broken_off:
                        worker.interrupt()
            self._receive(number, task, worker)

    def _receive(self, number: int, task: Task, worker: Worker) -> None:
        """Remembers what a task gives; one that was broken off leaves nothing, one that failed ends its question."""
        failure, solutions = None, None
        try:
            solutions = worker.receive()
        except Interrupted:
            pass
        except BrokenExecutor:
            raise
        except Exception as error:
            failure = error
        with self._changed:
            self._broken_off.discard(number)
            del self._running[number]
            if solutions is not None:
                self.memory.keep(task.curve, task.places, solutions)
            elif failure is not None and self._is_wanted(task):
                self._failure, self._tasks = failure, ()
            self._changed.notify_all()


def warm_up() -> None:
    """Solves a point of every kind, so that the first moves need not wait for the modules they use."""
    for student in get_args(Student):
        for probe in get_args(Probe):
            noise = 0.1 * (student != "max_margin")
            state = State(student=student, probe=probe, label_aware=True, label_noise=noise)
            solved(state, "hardest", (state.alpha,))
