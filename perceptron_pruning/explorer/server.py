"""The page's server: Python's own, on the loopback address, for one user."""

import json
import sys
import traceback
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from time import perf_counter, sleep, time
from typing import cast
from urllib.parse import urlsplit

from perceptron_pruning.explorer.advice import advice
from perceptron_pruning.explorer.memory import Memory
from perceptron_pruning.explorer.snippet import snippet
from perceptron_pruning.explorer.solvers import Solvers
from perceptron_pruning.explorer.state import RANGES, State
from perceptron_pruning.explorer.views import VIEWS, View
from replica_theory import SaddlePointError

ADDRESS = "127.0.0.1"
_SOON = 0.04  # s in which a move may get its whole chart
_LATEST = 0.05  # s after which a move gets what there is, if there is anything
_PATIENCE = 0.15  # s after which a move of which nothing is solved yet is told so
_PAUSE = 0.1  # s between two states of a chart that is being refined
_PAGE = files("perceptron_pruning.explorer") / "page"
_LONGEST = 10_000  # bytes of a question
_FILES = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/plot.js": ("plot.js", "text/javascript"),
    "/explorer.js": ("explorer.js", "text/javascript"),
}


class Explorer(ThreadingHTTPServer):
    """Serves the page, and answers each move of a slider.

    Args:
        port: Of the loopback address; 0 for any that is free.

    Raises:
        OSError: The port is taken.
    """

    daemon_threads = True

    def __init__(self, port: int = 0):
        self.memory = Memory()
        self.solvers = Solvers(self.memory)
        super().__init__((ADDRESS, port), _Handler)
        self.solvers.start()

    def server_close(self) -> None:
        """Ends the processes that solve, too."""
        self.solvers.stop()
        super().server_close()

    def handle_error(self, request, client_address) -> None:
        """Prints a failure, unless it is a page that was closed before its answer came."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    """Answers one request; a caller's mistake is one line of JSON."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # which would hold the body back for 40 ms, until the head is acknowledged

    @property
    def _explorer(self) -> Explorer:
        return cast(Explorer, self.server)

    def do_GET(self) -> None:
        """Files of the page, charts, tables and snippets."""
        if not self._is_for_us():
            return
        address = urlsplit(self.path)
        if address.path in _FILES:
            name, kind = _FILES[address.path]
            self._send((_PAGE / name).read_bytes(), kind)
            return
        if address.path == "/setting":
            self._send(json.dumps(_setting()).encode(), "application/json")
            return
        kind, _, view = address.path.removeprefix("/").partition("/")
        if kind not in _ANSWERS or view not in VIEWS:
            self._refuse(HTTPStatus.NOT_FOUND, f"there is no {address.path} here")
            return
        try:
            text, mime = _ANSWERS[kind](self._explorer, view, State.read(address.query), self._moved)
        except (ValueError, SaddlePointError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except Exception:
            traceback.print_exc()
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "the explorer failed here; the terminal says how")
        else:
            self._send(text.encode(), mime)

    def do_POST(self) -> None:
        """Advice on embeddings: a page of another's cannot ask, as a browser lets it send no JSON here."""
        if not self._is_for_us():
            return
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(min(int(length), _LONGEST)) if length.isdecimal() else b""
        if self.path != "/advice" or self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.NOT_FOUND, f"there is no {self.path} here")
            return
        try:
            answer = advice(*_asked(body))
        except (ValueError, ArithmeticError, OSError, ImportError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except Exception:
            traceback.print_exc()
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "the advice failed here; the terminal says how")
        else:
            self._send(json.dumps(answer).encode(), "application/json")

    @property
    def _moved(self) -> float:
        """When the move was made that is asked about, s; just now, if the request does not say so."""
        try:
            return float(self.headers["X-Moved"]) / 1e3
        except (TypeError, ValueError):
            return time()

    def _is_for_us(self) -> bool:
        """Whether the browser means this server: a name of another's that leads here is refused."""
        hosts = {f"{name}:{self._explorer.server_port}" for name in (ADDRESS, "localhost")}
        if self.headers.get("Host") in hosts:
            return True
        self._refuse(HTTPStatus.FORBIDDEN, f"open {self._explorer.url}")
        return False

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._send(json.dumps({"error": message}).encode(), "application/json", status)

    def _send(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not printed."""


def _asked(body: bytes) -> tuple[str, str]:
    """Where the embeddings and the labels are that advice is asked on."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the question must be JSON with embeddings and labels ({error})") from error
    names = "embeddings", "labels"
    if missing := [name for name in names if not isinstance(asked, dict) or name not in asked]:
        raise ValueError(f"'{missing[0]}' is missing")
    if wrong := [name for name in names if not isinstance(asked[name], str)]:
        raise ValueError(f"'{wrong[0]}' must be the name of a file; got {asked[wrong[0]]!r}")
    return asked["embeddings"].strip(), asked["labels"].strip()


def _setting() -> dict[str, object]:
    """What the page needs to make its controls: views, ranges of sliders, and the state that it starts from."""
    return {"views": {name: view.title for name, view in VIEWS.items()}, "ranges": RANGES, "defaults": State().texts()}


def _chart(server: Explorer, name: str, state: State, moved: float) -> tuple[str, str]:
    """What a move gets first: all if that is soon there, and at the latest what there is."""
    view, memory, began = VIEWS[name], server.memory, perf_counter()
    tasks = view.tasks(state)
    server.solvers.ask((name, state), tasks, moved=moved)
    goals = (
        (partial(memory.has, tasks), _SOON),
        (partial(memory.has, [task for task in tasks if task.first]), _LATEST),
        (partial(view.says_something, state, memory), _PATIENCE),
    )
    for there, until in goals:
        if server.solvers.wait((name, state), there, seconds=began + until - perf_counter()):
            break
    return _as_json(view, state, memory)


def _more(server: Explorer, name: str, state: State, moved: float) -> tuple[str, str]:
    """The chart with what was solved since it was last asked for."""
    view, tasks, memory = VIEWS[name], VIEWS[name].tasks(state), server.memory
    if not server.solvers.ask((name, state), tasks, moved=moved):
        sleep(_PAUSE)
        return _as_json(view, state, memory)
    goals = (
        partial(view.says_something, state, memory),
        partial(memory.has, [task for task in tasks if task.first]),
        partial(memory.has, tasks),
    )
    if ahead := next((there for there in goals if not there()), None):
        server.solvers.wait((name, state), ahead, seconds=_PAUSE)
    return _as_json(view, state, server.memory)


def _as_json(view: View, state: State, memory: Memory) -> tuple[str, str]:
    chart = view.chart(state, memory)
    shown = {"pending": True, "complete": False} if chart is None else chart.as_json()
    return json.dumps({"query": state.query(), **shown}), "application/json"


def _table(server: Explorer, name: str, state: State, _: float) -> tuple[str, str]:
    chart = VIEWS[name].whole(state, server.memory)
    return chart.as_csv(comment=f"{chart.title}; state: {state.query() or 'the default'}"), "text/csv"


def _snippet(server: Explorer, view: str, state: State, _: float) -> tuple[str, str]:
    return snippet(view, state), "text/x-python"


_ANSWERS = {"chart": _chart, "more": _more, "table": _table, "snippet": _snippet}
