"""A running explorer."""

import json
import threading
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from perceptron_pruning.explorer.server import Explorer


class Door:
    """Asks the server as the page does."""

    def __init__(self, url: str):
        self.url = url

    def text(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and body."""
        try:
            with urlopen(Request(self.url + path, headers=headers), timeout=60) as response:
                return response.status, response.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def post(self, path: str, values: dict, **headers: str) -> tuple[int, dict]:
        """Status and answer of a question that is posted."""
        body = json.dumps(values).encode()
        try:
            with urlopen(Request(self.url + path, data=body, headers=headers, method="POST"), timeout=60) as response:
                return response.status, json.load(response)
        except HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def first(self, query: str = "", view: str = "error") -> dict:
        """What a move gets first: some of the points."""
        return next(answer for answer in self.answers(query, view) if "series" in answer)

    def chart(self, query: str = "", view: str = "error") -> dict:
        """A chart with all its points."""
        *_, last = self.answers(query, view)
        return last

    def answers(self, query: str, view: str = "error") -> Iterator[dict]:
        """What the page gets, one after the other."""
        kind, complete = "chart", False
        while not complete:
            status, body = self.text(f"{kind}/{view}?{query}")
            assert status == 200, body
            yield (answer := json.loads(body))
            kind, complete = "more", answer["complete"]

    def refusal(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and the one line of an answer that is none."""
        while True:
            status, body = self.text(path, **headers)
            if "error" in (answer := json.loads(body)):
                return status, answer["error"]


@pytest.fixture(scope="session")
def door():
    with Explorer() as explorer:
        thread = threading.Thread(target=explorer.serve_forever)
        thread.start()
        yield Door(explorer.url)
        explorer.shutdown()
        thread.join()
