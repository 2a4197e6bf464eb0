"""A page in a real browser without a window: Chromium, spoken to through its developer tools."""

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_ALONE = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
_SECONDS = 60.0  # that the browser may take to start, or to answer


class Browser:
    """One window of one browser; use as a context, which ends it."""

    def __enter__(self) -> "Browser":
        self._loop = asyncio.new_event_loop()
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        words = [
            str(CHROMIUM),
            *_ALONE,
            "--remote-debugging-port=0",
            f"--user-data-dir={self._home.name}",
            "about:blank",
        ]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._ids = itertools.count(1)
        self._socket = self._loop.run_until_complete(self._connected())
        target = self._call("Target.getTargets")["targetInfos"]
        page = next(info["targetId"] for info in target if info["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        return self

    def __exit__(self, *_: object) -> None:
        self._call("Browser.close", own=False)
        self._socket.close()
        self._process.wait(_SECONDS)
        self._loop.close()
        self._home.cleanup()

    async def _connected(self) -> WebSocketClientConnection:
        port, deadline = Path(self._home.name) / "DevToolsActivePort", time.monotonic() + _SECONDS
        while not (port.exists() and len(port.read_text().split()) == 2):
            assert self._process.poll() is None, "the browser ended at once"
            assert time.monotonic() < deadline, "the browser does not start"
            await asyncio.sleep(0.05)
        number, path = port.read_text().split()
        return await websocket_connect(f"ws://127.0.0.1:{number}{path}", max_message_size=1 << 28)

    def _call(self, method: str, *, own: bool = True, **parameters: Any) -> dict[str, Any]:
        """What the browser answers to a command."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if own and hasattr(self, "_session"):
            message["sessionId"] = self._session
        return self._loop.run_until_complete(asyncio.wait_for(self._answer(number, json.dumps(message)), _SECONDS))

    async def _answer(self, number: int, message: str) -> dict[str, Any]:
        await self._socket.write_message(message)
        while True:
            told = json.loads(str(await self._socket.read_message()))
            if told.get("id") == number:
                assert "error" not in told, told
                return told["result"]

    def open(self, page: Path, *, width: int, height: int, dark: bool = False, fragment: str = "") -> None:
        """Opens a file at a size in CSS pixels, and waits until it is drawn."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url="about:blank")
        self._call("Page.navigate", url=page.resolve().as_uri() + fragment)
        deadline = time.monotonic() + _SECONDS
        while not self.ask("location.protocol == 'file:' && document.readyState == 'complete'"):
            assert time.monotonic() < deadline, "the page does not load"
            time.sleep(0.05)

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        told = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def picture(self, path: Path) -> None:
        """Writes what is seen as PNG."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))
