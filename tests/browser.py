"""A headless Chromium for tests of pages, spoken to through two pipes in the DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PATIENCE = 60  # seconds
_LINE = "exec chromium --headless --no-sandbox --disable-gpu --remote-debugging-pipe {more} 3<&{read} 4>&{write}"


class Page:
    """One page of a browser. A script that throws, or a page that asks for anything but files, fails the test."""

    def __init__(self, read: int, write: int):
        self._read, self._write, self._rest, self._count = read, write, b"", 0
        self._session: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer; events that come meanwhile are kept."""
        self._count += 1
        asked = {"id": self._count, "method": method, "params": params} | self._session
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        for message in self._messages():
            if message.get("id") == self._count:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)
        raise AssertionError(f"the browser said nothing to {method} in {_PATIENCE} s")

    def _messages(self) -> Iterator[dict[str, Any]]:
        until = time.monotonic() + _PATIENCE
        while (left := until - time.monotonic()) > 0:
            line, found, rest = self._rest.partition(b"\0")
            if found:
                self._rest = rest
                yield json.loads(line)
            elif select.select([self._read], [], [], left)[0]:
                self._rest += os.read(self._read, 1 << 20)

    def see(self, width: int, height: int, scheme: str = "light", *, phone: bool = False, media: str = "") -> None:
        """Give the page this size, light or dark; on a phone, or as for `media` print."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1 + phone, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def open(self, path: Path) -> None:
        """Go to a file and wait until it is loaded."""
        self.call("Page.navigate", url=path.as_uri())
        self.wait("document.readyState === 'complete' && performance.timing.loadEventEnd > 0")

    def run(self, script: str) -> Any:
        """The value of a script, or of what it promises."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, script: str) -> Any:
        """The value of a script as soon as it is true."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if found := self.run(script):
                return found
            time.sleep(0.02)
        raise AssertionError(f"not true in {_PATIENCE} s: {script}")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Move, press, release or turn the wheel at a place of the window."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def tap(self, x: float, y: float) -> None:
        """Tap with a finger at a place of the window."""
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def print(self, path: Path) -> None:
        """Print to a PDF on A4, as the browser's menu does."""
        printed = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(printed["data"]))

    def screenshot(self, path: Path) -> None:
        """Write what can be seen to a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A page in a browser that keeps its profile in `folder`, and ends with the block."""
    (to_read, out), (into, to_write) = os.pipe(), os.pipe()
    line = _LINE.format(more=f"--user-data-dir='{folder / 'profile'}'", read=to_read, write=to_write)
    given = (to_read, to_write)
    browser = subprocess.Popen(["bash", "-c", line], pass_fds=given, stderr=subprocess.DEVNULL)
    for end in given:
        os.close(end)
    try:
        yield Page(into, out)
    finally:
        browser.terminate()
        browser.wait(_PATIENCE)
        os.close(into)
        os.close(out)
