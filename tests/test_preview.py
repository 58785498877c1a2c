"""Contact sheets hold every tile whole and in its place; animations are of the seed."""

import itertools

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from imagenet_cp import perturb, preview
from imagenet_cp.cli.main import app
from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, TEST


@pytest.fixture
def colours(monkeypatch):
    """Corruptions that give one colour each, by name and severity."""
    found = {
        (name, severity): (20 + 5 * place + severity, 40, 90)
        for place, name in enumerate(CORRUPTIONS)
        for severity in SEVERITIES
    }
    monkeypatch.setattr(
        preview, "corrupt", lambda clean, name, severity, *_, **__: np.full_like(clean, found[name, severity])
    )
    return found


def place(sheet, colour):
    """Left, top, right and bottom of a colour, which must fill them."""
    rows, columns = np.nonzero((np.asarray(sheet) == colour).all(axis=2))
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert len(rows) == (box[2] - box[0]) * (box[3] - box[1])
    return box


def test_a_sheet_shows_every_severity_from_left_to_right(colours):
    sheet = preview.contact_sheet(np.zeros((224, 224, 3), np.uint8))
    shown = [place(sheet, colour) for colour in colours.values()]
    for half in (0, sheet.width // 2):  # nothing is below the last tile of a column
        end = max(bottom for left, _, _, bottom in shown if half <= left < half + sheet.width // 2)
        rest = np.asarray(sheet)[end:, half : half + sheet.width // 2]
        assert (rest == sheet.getpixel((0, 0))).all()
    for name in CORRUPTIONS:
        boxes = [place(sheet, colours[name, severity]) for severity in SEVERITIES]
        assert {(right - left, bottom - top) for left, top, right, bottom in boxes} == {(160, 160)}
        assert len({top for _, top, _, _ in boxes}) == 1
        assert len({right - left for (left, *_), (right, *_) in itertools.pairwise(boxes)}) == 1
        assert boxes[0][0] < boxes[4][0]


def test_a_compact_sheet_shows_the_test_corruptions_in_three_rows(colours):
    sheet = preview.compact_sheet(np.zeros((224, 224, 3), np.uint8), severity=2)
    boxes = [place(sheet, colours[name, 2]) for name in TEST]
    assert all((right - left, bottom - top) == (224, 224) for left, top, right, bottom in boxes)
    assert [(top, left) for left, top, *_ in boxes] == sorted((top, left) for left, top, *_ in boxes)
    assert len({top for _, top, *_ in boxes}) == 3


def test_the_command_draws_the_frames_of_its_seed(tmp_path, monkeypatch):
    clean = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
    Image.fromarray(clean).save(tmp_path / "image.png")
    drawn = []
    monkeypatch.setattr(preview, "save_animation", lambda frames, path, name: drawn.append((name, frames)))
    command = ["preview", str(tmp_path / "image.png"), "--perturbation", "gaussian_noise", "--seed", "3"]
    done = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "noise.webp")])
    frames = perturb(clean, "gaussian_noise", seed=3, image_id="image")
    assert f"image.png under gaussian_noise, {len(frames)} frames" in done.stdout
    ((name, shown),) = drawn
    assert name == "gaussian_noise" and (shown == frames).all()
