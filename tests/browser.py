"""A page in headless Chromium, driven over its debugging pipe: nothing but the browser itself is needed."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 60
"""Seconds that the browser may take for anything; the machine may be busy."""


class Browser:
    """One page. problems: what its console said of errors and broken policies."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self.to_browser, self.from_browser = to_browser, from_browser
        self.count, self.unread, self.session = 0, b"", None
        self.problems: list[str] = []
        self.loads = 0
        self.allowed: tuple[str, ...] = ("file:", "data:", "blob:", "about:")
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the Chrome DevTools Protocol and returns its result."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self.to_browser, content) :]
        while (answer := self._receive()).get("id") != self.count:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, page: Path, fragment: str = "") -> None:
        self._wait_for_load("Page.navigate", url="about:blank")  # another fragment alone would load nothing
        self._wait_for_load("Page.navigate", url=page.resolve().as_uri() + fragment)

    def visit(self, address: str) -> None:
        """Opens a page that a server on this machine gives; what it asks of that server is no problem."""
        self.allowed = (*self.allowed, address)
        self._wait_for_load("Page.navigate", url=address)

    def wait_for(self, condition: str) -> None:
        """Waits until an expression in the page is true."""
        deadline = time.monotonic() + PATIENCE
        while not self.run(f"!!({condition})"):
            assert time.monotonic() < deadline, f"never came true: {condition}"
            time.sleep(0.05)

    def reload(self) -> None:
        self._wait_for_load("Page.reload")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def click(self, selector: str) -> None:
        """Clicks with the mouse in the middle of the element, so that what covers it would get the click."""
        found = json.dumps(selector)
        self.run(f"document.querySelector({found}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = self.run(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({found}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def type(self, selector: str, text: str) -> None:
        self.click(selector)
        self.send("Input.insertText", text=text)

    def press(self, key: str) -> None:
        code = {"Enter": 13}.get(key) or ord(key)
        text = "\r" if key == "Enter" else key
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **typed)

    def resize(self, width: int, height: int, *, dark: bool = False, touch: bool = False) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=touch,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def save_to(self, folder: Path) -> None:
        session, self.session = self.session, None
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        self.session = session

    def screenshot(self, path: Path) -> None:
        content = self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(content))

    def _wait_for_load(self, method: str, **parameters: Any) -> None:
        before = self.loads
        self.send(method, **parameters)
        while self.loads == before:
            self._note(self._receive())

    def _receive(self) -> dict[str, Any]:
        import select

        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.from_browser], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser says nothing"
            more = os.read(self.from_browser, 1 << 20)
            assert more, "the browser has ended"
            self.unread += more
        line, _, self.unread = self.unread.partition(b"\0")
        return json.loads(line)

    def _note(self, event: dict[str, Any]) -> None:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Page.loadEventFired":
            self.loads += 1
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            address = parameters["request"]["url"]
            if not address.startswith(self.allowed):
                self.problems.append(f"asked for {address}")


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Chromium with an empty profile of its own; ends with the block."""
    assert CHROMIUM is not None
    read_by_child, to_browser = os.pipe()
    from_browser, written_by_child = os.pipe()
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
    command += ["--no-first-run", "--hide-scrollbars", f"--user-data-dir={profile}"]
    pipes = f'exec "$@" 3<&{read_by_child} 4>&{written_by_child}'
    process = subprocess.Popen(
        ["bash", "-c", pipes, "bash", *command],
        pass_fds=(read_by_child, written_by_child),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read_by_child)
    os.close(written_by_child)
    try:
        yield Browser(to_browser, from_browser)
    finally:
        os.close(to_browser)
        os.close(from_browser)
        process.terminate()
        process.wait(PATIENCE)
