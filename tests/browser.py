"""A headless Chromium, driven by its chromedriver over HTTP: pages as their readers see them."""

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
MISSING = None if CHROMIUM and CHROMEDRIVER else "chromium and chromedriver are not installed"

_QUIET = [
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def free_port():
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Browser:
    """A browser with one window and a profile of its own, a context manager.

    It reaches files and the loopback only: a page that asks for more has an error in its console.

    Parameters
    ----------
    folder : path
        Empty; for the profile and the driver's log.
    """

    def __init__(self, folder):
        if MISSING:
            raise RuntimeError(MISSING)
        folder = Path(folder)
        port = free_port()
        self._driver = subprocess.Popen(
            [CHROMEDRIVER, f"--port={port}", f"--log-path={folder / 'driver.log'}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._session = f"http://127.0.0.1:{port}"
        arguments = [*_QUIET, f"--user-data-dir={folder / 'profile'}"]
        options = {"goog:loggingPrefs": {"browser": "ALL"}}
        options["goog:chromeOptions"] = {"binary": CHROMIUM, "args": arguments}
        try:
            wait_for(lambda: self._call("GET", "status")["ready"], 20, "chromedriver does not answer")
            session = self._call("POST", "session", capabilities={"alwaysMatch": options})
        except BaseException:
            self._stop_driver()
            raise
        self._session += f"/session/{session['sessionId']}"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Stop the browser and its driver."""
        with contextlib.suppress(OSError):
            self._call("DELETE", "")
        self._stop_driver()

    def _stop_driver(self):
        self._driver.terminate()
        self._driver.wait()

    def _call(self, method, path, **arguments):
        request = urllib.request.Request(
            f"{self._session}/{path}".rstrip("/"),
            json.dumps(arguments).encode() if method == "POST" else None,
            {"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def _cdp(self, command, **parameters):
        return self._call("POST", "goog/cdp/execute", cmd=command, params=parameters)

    def open(self, url):
        """Open a page and wait until it is loaded."""
        self._call("POST", "url", url=url)

    def resize(self, width, height=900):
        """Give the page a width and a height in CSS pixels."""
        self._cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def colours(self, scheme):
        """Prefer a colour scheme, ``"light"`` or ``"dark"``."""
        self._cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def evaluate(self, script, *arguments):
        """Return what a JavaScript function's body returns; a promise is waited for."""
        return self._call("POST", "execute/sync", script=script, args=arguments)

    def wait(self, condition, seconds=20):
        """Wait until a JavaScript expression is true, and return it."""
        return wait_for(lambda: self.evaluate(f"return {condition}"), seconds, f"never true: {condition}")

    def overflow(self):
        """Return by how many pixels the page is wider than its window."""
        return self.evaluate("return document.documentElement.scrollWidth - window.innerWidth")

    def errors(self):
        """Return the errors in the console since the last call."""
        return [
            entry["message"]
            for entry in self._call("POST", "se/log", type="browser")
            if entry["level"] == "SEVERE"
        ]

    def screenshot(self, path):
        """Write a picture of the whole page, from its top to its bottom, as PNG, once its transitions are over."""
        self.wait("!document.getAnimations().some(one => one.playState === 'running')")
        picture = self._cdp("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        Path(path).write_bytes(base64.b64decode(picture["data"]))


def wait_for(condition, seconds, otherwise):
    """Call a function until what it returns is true, and return that; a refused connection is not yet."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if value := condition():
                return value
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.05)
