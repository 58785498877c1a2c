"""A headless Chromium, driven by Selenium: pages as their readers see them."""

import base64
import contextlib
import shutil
import socket
import time
from pathlib import Path

try:
    from selenium import webdriver
    from selenium.webdriver.support.wait import WebDriverWait
except ImportError:
    webdriver = None

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
MISSING = (
    None if CHROMIUM and CHROMEDRIVER and webdriver else "chromium, chromedriver or selenium is not installed"
)

_ARGUMENTS = [
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
    """Find a port of the loopback that nobody listens on."""
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
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for argument in [*_ARGUMENTS, f"--user-data-dir={Path(folder) / 'profile'}"]:
            options.add_argument(argument)
        service = webdriver.ChromeService(CHROMEDRIVER, log_output=str(Path(folder) / "driver.log"))
        self._driver = webdriver.Chrome(options, service)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._driver.quit()

    def open(self, url):
        """Open a page and wait until it is loaded."""
        self._driver.get(url)

    def resize(self, width, height=900):
        """Set the width and height of the page in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def colours(self, scheme):
        """Prefer a colour scheme, ``"light"`` or ``"dark"``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def evaluate(self, script, *arguments):
        """Run the body of a JavaScript function; a promise is waited for."""
        return self._driver.execute_script(script, *arguments)

    def wait(self, condition, seconds=20):
        """Wait until a JavaScript expression is true, and return it."""
        waiting = WebDriverWait(self._driver, seconds, 0.05)
        return waiting.until(lambda _: self.evaluate(f"return {condition}"), f"never true: {condition}")

    def overflow(self):
        """Number of pixels by which the page is wider than its window."""
        return self.evaluate("return document.documentElement.scrollWidth - window.innerWidth")

    def errors(self):
        """List the errors in the console since the last call."""
        return [entry["message"] for entry in self._driver.get_log("browser") if entry["level"] == "SEVERE"]

    def violations(self, axe, selector="html"):
        """List what axe-core, given its source, finds serious or critical: rule and the first element."""
        self._driver.execute_script(axe)
        script = "const done = arguments[1]; axe.run(arguments[0], {resultTypes: ['violations']}).then(done)"
        found = self._driver.execute_async_script(script, selector)["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        return [(one["id"], one["nodes"][0]["html"]) for one in serious]

    def screenshot(self, path):
        """Write an image of the whole page as PNG, once its transitions are over."""
        self.wait("!document.getAnimations().some(one => one.playState === 'running')")
        options = {"captureBeyondViewport": True, "format": "png"}
        image = self._driver.execute_cdp_cmd("Page.captureScreenshot", options)
        Path(path).write_bytes(base64.b64decode(image["data"]))


def wait_for(condition, seconds, message):
    """Call a function until its result is true, and return that; a refused connection counts as false."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if value := condition():
                return value
        if time.monotonic() > end:
            raise TimeoutError(message)
        time.sleep(0.05)
