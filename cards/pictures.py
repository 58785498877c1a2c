"""The images of the README: ``python cards/pictures.py [REPORT]``, after pip install '.[test]'.

Writes ``cards/images/corruptions.webp`` from a photograph of scikit-image and, given the folder of a report from
``imagenet-cp evaluate``, its first screen as ``cards/images/report.webp`` with headless Chromium.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image

from imagenet_cp.images.profiles import PROFILES
from imagenet_cp.images.source_images import decode
from imagenet_cp.preview import compact_sheet
from imagenet_cp.sources import open_source

IMAGES = Path(__file__).parent / "images"
SCREEN = (1200, 900)


def corruptions():
    """One image under the 15 corruptions at severity 3."""
    source = open_source("sample")
    item = next(item for item in source.items if item.image_id == "chelsea")
    clean = PROFILES["imagenet"].square(decode(source.reader.read(item), item.location))
    compact_sheet(clean, item.image_id).save(IMAGES / "corruptions.webp", quality=45, method=6)


def report(folder):
    """First screen of a report."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--hide-scrollbars",
        "--window-size={},{}".format(*SCREEN),
    ):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or ""
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.get((Path(folder).resolve() / "index.html").as_uri())
        screen = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
    finally:
        driver.quit()
    screen.convert("RGB").save(IMAGES / "report.webp", quality=60, method=6)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    corruptions()
    if len(sys.argv) > 1:
        report(sys.argv[1])
