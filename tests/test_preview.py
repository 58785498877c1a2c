"""Contact sheets hold every tile whole and in its place; animations are of the seed."""

import itertools
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from imagenet_cp import perturb, preview
from imagenet_cp.cli import main
from imagenet_cp.cli.main import app
from imagenet_cp.corruptions import CORRUPTIONS, SEVERITIES, TEST
from imagenet_cp.errors import BuildError, UsageError
from imagenet_cp.images.tiles import tile


@pytest.fixture
def colours(monkeypatch):
    """Corruptions that give one colour each, by name and severity."""
    found = {
        (name, severity): (20 + 5 * place + severity, 40, 90)
        for place, name in enumerate(CORRUPTIONS)
        for severity in SEVERITIES
    }
    monkeypatch.setattr(
        preview,
        "corrupt",
        lambda clean, name, severity, *_, **__: np.full_like(clean, found.get((name, severity), 0)),
    )
    return found


def place(sheet, colour):
    """Left, top, right and bottom of a colour, which must fill them."""
    red, green, blue = np.moveaxis(np.asarray(sheet), 2, 0)
    rows, columns = np.nonzero((red == colour[0]) & (green == colour[1]) & (blue == colour[2]))
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert len(rows) == (box[2] - box[0]) * (box[3] - box[1])
    return box


def test_a_sheet_shows_every_severity_from_left_to_right(colours):
    sheet = preview.contact_sheet(np.zeros((224, 224, 3), np.uint8))
    shown = {key: place(sheet, colour) for key, colour in colours.items()}
    assert sheet.height == max(bottom for *_, bottom in shown.values()) + 6 + 32
    for half in (0, sheet.width // 2):  # nothing is below the last tile of a column
        end = max(bottom for left, _, _, bottom in shown.values() if half <= left < half + sheet.width // 2)
        rest = np.asarray(sheet)[end:, half : half + sheet.width // 2]
        assert (rest == sheet.getpixel((0, 0))).all()
    for name in CORRUPTIONS:
        boxes = [shown[name, severity] for severity in SEVERITIES]
        assert {(right - left, bottom - top) for left, top, right, bottom in boxes} == {(160, 160)}
        assert len({top for _, top, _, _ in boxes}) == 1
        assert len({right - left for (left, *_), (right, *_) in itertools.pairwise(boxes)}) == 1
        assert boxes[0][0] < boxes[4][0]


INK, FAINT = (28, 28, 30), (110, 110, 114)


@pytest.fixture
def texts(monkeypatch):
    """Texts that are drawn: text -> place, colour and size of the font of each."""
    found = {}
    monkeypatch.setattr(
        "PIL.ImageDraw.ImageDraw.text",
        lambda self, xy, text, fill, font: found.setdefault(text, []).append((xy, fill, font.size)),
    )
    return found


def test_a_sheet_has_its_texts_in_their_places(colours, texts):
    clean = np.full((224, 224, 3), 9, np.uint8)
    sheet = preview.contact_sheet(clean, "an id", 2)
    assert sheet.width == 3 * 32 + 2 * 824 and sheet.getpixel((0, 0)) == (250, 250, 248)
    assert place(sheet, (9, 9, 9)) == (32, 56, 192, 216)
    assert texts["clean"] == [((32, 32), INK, 16)] and texts["ImageNet-C"] == [((210, 56), INK, 36)]
    lines = ("15 corruptions of the benchmark, 4 extra*", "severity 1 to 5 from left to right", "an id")
    assert [texts[line] for line in lines] == [[((210, 116 + 28 * i), FAINT, 16)] for i in range(3)]
    assert texts["noise"] == [((32, 230), INK, 24)] and texts["gaussian_noise"] == [((32, 266), INK, 15)]
    assert texts["shot_noise"][0][0] == (32, 266 + 190)
    assert (
        set(CORRUPTIONS) - {name for name in texts if not name.endswith("*")}
        == {name for name in CORRUPTIONS if f"{name}*" in texts}
        == set(CORRUPTIONS) - set(TEST)
    )
    # Noise and blur on the left, below the clean image; the rest is as high on the right.
    assert [texts[family][0][0][0] for family in ("blur", "weather", "digital")] == [32, 888, 888]
    assert texts["1"][0] == ((180, 266), FAINT, 15) and texts["5"][0][0] == (180 + 4 * 166, 266)
    left, top, right, _ = place(sheet, colours["gaussian_noise", 5])
    assert (left, top, right) == (32 + 4 * 166, 266 + 24, 32 + 824)
    second = [family for family in ("blur", "weather", "digital") if texts[family][0][0][0] > 32]
    assert texts[second[0]] == [((2 * 32 + 824, 32 + 8), INK, 24)]
    preview.contact_sheet(clean, benchmark="imagenet_c_bar")
    assert texts["ImageNet-C-bar"] and texts["10 corruptions of the benchmark"]


def test_a_label_that_is_too_long_has_smaller_letters():
    sizes = [preview._fitting_font("m" * 20, width).size for width in (1000, 250, 200, 20)]
    assert sizes[0] == 15 > sizes[1] > sizes[2] > sizes[3] == 8
    widths = {size: preview._font(size).getlength("m" * 20) for size in range(8, 16)}
    for width in widths.values():  # letters as large as fit
        size = max(size for size in widths if widths[size] <= width)
        assert preview._fitting_font("m" * 20, width).size == size


def test_labels_leave_room_for_the_number_of_the_severity(colours, monkeypatch):
    widths = set()
    font = preview._fitting_font
    monkeypatch.setattr(preview, "_fitting_font", lambda text, width: widths.add(width) or font(text, width))
    preview.contact_sheet(np.zeros((224, 224, 3), np.uint8))
    assert widths == {160 - 16}


def test_frames_of_an_animation_are_numbered(tmp_path, texts):
    frames = np.full((2, 20, 30, 3), 90, np.uint8)
    frames[1, 0] = 80  # else Pillow writes one frame
    preview.save_animation(frames, tmp_path / "a.png", "tilt")
    assert texts == {f"tilt {n}/2": [((4, 24), INK, 14)] for n in (1, 2)}
    with Image.open(tmp_path / "a.png") as animation:
        assert animation.size == (30, 44) and animation.info["duration"] == 120
        assert place(animation.convert("RGB"), (90, 90, 90)) == (0, 0, 30, 20)


def test_a_tile_is_the_centre_and_a_small_image_lies_in_the_middle_on_white():
    image = np.arange(1, 13, dtype=np.uint8).reshape(2, 6, 1).repeat(3, axis=2)
    shown = tile(image, 4)
    assert (shown[1:3] == image[:, 1:5]).all() and (shown[[0, 3]] == 255).all()
    doubled = tile(image[:, :2], 5)  # twice as large, with one row and column of white
    assert (doubled[:4, :4] == image[:, :2].repeat(2, axis=0).repeat(2, axis=1)).all()
    assert (doubled[4] == 255).all() and (doubled[:, 4] == 255).all()


def test_a_compact_sheet_shows_the_test_corruptions_in_three_rows(colours, texts):
    sheet = preview.compact_sheet(np.zeros((224, 224, 3), np.uint8), severity=2)
    assert sheet.getpixel((0, 0)) == (250, 250, 248)
    boxes = [place(sheet, colours[name, 2]) for name in TEST]
    assert boxes[0][:2] == (6, 30) and boxes[6][:2] == (6 + 230, 30 + 254)
    assert texts["gaussian_noise 2"] == [((6, 6), INK, 16)] and len(texts) == 15
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


def test_the_command_draws_the_sheet_of_its_benchmark(tmp_path, monkeypatch):
    Image.new("RGB", (224, 224)).save(tmp_path / "image.png")
    drawn = []
    monkeypatch.setattr(preview, "contact_sheet", lambda *given: drawn.append(given))
    monkeypatch.setattr(preview, "save", lambda sheet, path: None)
    command = ["preview", str(tmp_path / "image.png"), "-o", str(tmp_path / "sheet.png"), "--seed", "3"]
    for benchmark, count in (("imagenet_c", len(CORRUPTIONS)), ("imagenet_c_bar", 10)):
        done = CliRunner().invoke(app, [*command, "--benchmark", benchmark])
        assert drawn[-1][1:] == ("image", 3, benchmark)
        assert f"image.png under {count} corruptions at five severities" in done.stdout


@pytest.mark.parametrize(("more", "severity"), [([], 3), (["--severity", "5"], 5)])
def test_the_command_draws_a_compact_sheet(more, severity, tmp_path, monkeypatch):
    Image.new("RGB", (300, 250), (9, 9, 9)).save(tmp_path / "image.png")
    drawn, out = [], tmp_path / "sheet.png"
    monkeypatch.setattr(
        preview, "compact_sheet", lambda clean, *given: drawn.append((clean.shape, *given)) or "sheet"
    )
    monkeypatch.setattr(preview, "save", lambda *given: drawn.append(given))
    command = ["preview", str(tmp_path / "image.png"), "-o", str(out), "--seed", "2", "--compact", *more]
    done = CliRunner().invoke(app, command)
    assert drawn == [((224, 224, 3), "image", 2, severity), ("sheet", out)]
    assert done.stdout == f"{out}: image.png under 15 corruptions at severity {severity}\n"


@pytest.mark.parametrize(
    ("out", "more", "kind"),
    [
        ("mine.png", [], BuildError),
        ("tilt.jpg", ["--perturbation", "tilt"], UsageError),
        ("mine.png", ["--perturbation", "tilt"], BuildError),
    ],
)
def test_the_command_draws_nothing_that_it_cannot_write(out, more, kind, tmp_path, monkeypatch):
    Image.new("RGB", (224, 224)).save(tmp_path / "image.png")
    (tmp_path / "mine.png").write_bytes(b"mine")
    for name in ("imagenet_cp.preview.contact_sheet", "imagenet_cp.api.perturb"):
        monkeypatch.setattr(name, None)
    done = CliRunner().invoke(app, ["preview", str(tmp_path / "image.png"), "-o", str(tmp_path / out), *more])
    assert isinstance(done.exception, kind) and out in str(done.exception)


def test_the_command_names_a_folder_that_is_in_the_place_of_its_file(tmp_path, monkeypatch, capsys):
    Image.new("RGB", (224, 224)).save(tmp_path / "image.png")
    (tmp_path / "folder.png").mkdir()
    monkeypatch.setattr(preview, "contact_sheet", None)
    arguments = ["preview", str(tmp_path / "image.png"), "-o", str(tmp_path / "folder.png")]
    monkeypatch.setattr(sys, "argv", ["imagenet-cp", *arguments])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert f"{tmp_path / 'folder.png'}: is a folder; name a file in it with --out" in capsys.readouterr().err


def test_an_animation_is_of_a_format_that_moves(tmp_path):
    with pytest.raises(UsageError, match=r"a\.jpg: an animation is a \.webp, \.gif or \.png file"):
        preview.save_animation(np.zeros((2, 20, 30, 3), np.uint8), tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())
