"""A headless Chromium, driven by the W3C's WebDriver protocol: JSON over HTTP to its own driver, no package needed."""

import base64
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from urllib.request import Request, urlopen

CHROMIUM = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = which("chromedriver")
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name of a reference to an element
RIGHT = "\ue014"  # the right arrow key


class Browser:
    """One window."""

    def __init__(self, address: str):
        self._address = address

    def __call__(self, method: str, path: str, **values: object):
        """A command of the protocol."""
        body = json.dumps(values).encode() if method == "POST" else None
        request = Request(f"{self._address}{path}", data=body, method=method)
        with urlopen(request, timeout=700) as response:
            return json.load(response)["value"]

    def open(self, url: str) -> None:
        self("POST", "/url", url=url)

    def run(self, script: str):
        """What a script returns."""
        return self("POST", "/execute/sync", script=script, args=[])

    def awaited(self, script: str):
        """What a script returns that may await, within ten minutes."""
        self("POST", "/timeouts", script=600_000)
        wrapped = f"const done = arguments[0]; (async () => {{ {script} }})().then(done)"
        return self("POST", "/execute/async", script=wrapped, args=[])

    def _element(self, selector: str) -> str:
        return self("POST", "/element", using="css selector", value=selector)[_ELEMENT]

    def press(self, selector: str, keys: str) -> None:
        """Types into a control, as a user does."""
        self("POST", f"/element/{self._element(selector)}/value", text=keys)

    def click(self, selector: str) -> None:
        self("POST", f"/element/{self._element(selector)}/click")

    def drag(self, selector: str, pixels: int) -> None:
        """Takes an element at its middle, and lets go so many pixels to the right."""
        origin = {_ELEMENT: self._element(selector)}
        down = {"type": "pointerMove", "origin": origin, "x": 0, "y": 0, "duration": 0}
        move = {"type": "pointerMove", "origin": "pointer", "x": pixels, "y": 0, "duration": 200}
        steps = [down, {"type": "pointerDown", "button": 0}, move, {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        self("POST", "/actions", actions=[mouse])

    def text(self, selector: str) -> str:
        return self("GET", f"/element/{self._element(selector)}/text")

    def wait(self, true: Callable[[], bool]) -> None:
        """Returns when it is so; fails after half a minute."""
        end = time.monotonic() + 30
        while not true():
            assert time.monotonic() < end, self.text("body")
            time.sleep(0.02)

    def photograph(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self("GET", "/screenshot")))


@contextmanager
def browser(folder: Path, *, width: int = 1200, height: int = 900, phone: bool = False) -> Iterator[Browser]:
    """A window with a profile of its own in the folder, where downloads go too."""
    options = {
        "binary": CHROMIUM,
        "args": [*_ARGUMENTS, f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}"],
        "prefs": {"download.default_directory": str(folder)},
    }
    if phone:
        options["mobileEmulation"] = {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 2.0}}
    log = folder / "driver.log"
    with log.open("w") as file:
        driver = subprocess.Popen([str(DRIVER), "--port=0"], stdout=file, stderr=file, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{_port(log)}/session"
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = Browser(address)("POST", "", capabilities={"alwaysMatch": wanted})["sessionId"]
        window = Browser(f"{address}/{session}")
        try:
            yield window
        finally:
            window("DELETE", "")
    finally:
        driver.terminate()
        driver.wait(timeout=30)


def _port(log: Path) -> str:
    """The port that the driver says it has taken."""
    end = time.monotonic() + 30
    while not (found := re.search(r"started successfully on port (\d+)", log.read_text())):
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    return found[1]
