"""Layouts of clean images as people have them: each with the label of every image, or the error that ends it.

Every image is of one colour that encodes a number below 1000: the true label of most.
"""

import functools
import gzip
import io
import shutil
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field

import datasets
import numpy as np
from PIL import Image

from imagenet_cp.sources import classes as imagenet
from imagenet_cp.sources.class_lists import class_list

#: True labels of the images of most layouts, and the numbers of two validation images each.
LABELS = (0, 1, 65, 134)
IDS = {
    label: [name for name, known in imagenet.validation_labels().items() if known == label][:2]
    for label in LABELS
}
WNIDS = imagenet.wnids()
FULL = list(imagenet.full_names())
#: As in torchvision, and in Keras; of the two cranes and the two maillots, each list has its own way.
TORCHVISION = [text.split(", ")[0] for text in FULL]
TORCHVISION[134], TORCHVISION[639] = "crane bird", "maillot tank suit"
KERAS = [name.replace(" ", "_") for name in TORCHVISION]
#: As in ILSVRC/imagenet-1k.
HUB = [*FULL[:517], "crane2", *FULL[518:]]
OWN = ("cat", "dog", "house")
A, NETTE = class_list("imagenet-a"), class_list("imagenette")
DEVKIT = class_list("imagenet-devkit").indices


@functools.cache
def image(label):
    """Encoded image of the colour of a label."""
    digits = [25 * int(digit) + 12 for digit in f"{label:03d}"]
    file = io.BytesIO()
    Image.new("RGB", (32, 32), tuple(digits)).save(file, "PNG")
    return file.getvalue()


def label_in(pixels):
    """Label that the colours of images, uint8 (N, H, W, 3), encode."""
    digits = np.rint((np.median(pixels, axis=(1, 2)) - 12) / 25).astype(int)
    return digits @ [100, 10, 1]


@dataclass
class Layout:
    """A layout, and what is found in it.

    Attributes
    ----------
    files : dict
        Path -> number that the image shows, or None for a folder; of rows, (path, number) -> stored label.
    form : str
        ``folder``, ``tar``, ``tar.gz``, ``zip``, ``rows`` or ``saved``.
    options : dict
        Of `open_source`; lists become files.
    stored : Feature
        Of the labels of rows.
    classes, order : tuple, str
        As of the source.
    places : sequence of int
        Numbers of the labels 0, 1, ..., if these are not the labels themselves; of -1 where there are no labels.
    error, notice : str
        Parts of the messages.
    """

    files: dict
    form: str = "folder"
    options: dict = field(default_factory=dict)
    stored: object = None
    classes: tuple = WNIDS
    order: str = ""
    places: Sequence[int] = range(1000)
    error: str = ""
    notice: str = ""

    def make(self, root):
        """Write the layout; return its path."""
        root.mkdir(exist_ok=True)
        options = {name: self.file(root, name, value) for name, value in self.options.items()}
        path = getattr(self, f"_{self.form.replace('.', '_')}")(root / "val")
        return path, options

    @staticmethod
    def file(root, name, value):
        """An option, whose value is a list if it is to be a file."""
        if not isinstance(value, list):
            return value
        (root / f"{name}.txt").write_text("\n".join(map(str, value)), encoding="utf-8")
        return str(root / f"{name}.txt")

    def _folder(self, root):
        for path, label in self.files.items():
            place = root / path
            (place if label is None else place.parent).mkdir(parents=True, exist_ok=True)
            if label is not None:
                place.write_bytes(image(label))
        return root

    def _tar(self, root):
        with tarfile.open(f"{root}.tar", "w") as archive:
            for path, label in self.files.items():
                info = tarfile.TarInfo(path)
                info.size = len(image(label))
                archive.addfile(info, io.BytesIO(image(label)))
        return f"{root}.tar"

    def _tar_gz(self, root):
        with open(self._tar(root), "rb") as plain, gzip.open(f"{root}.tar.gz", "wb", 1) as file:
            shutil.copyfileobj(plain, file)
        return f"{root}.tar.gz"

    def _zip(self, root):
        with zipfile.ZipFile(f"{root}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path, label in self.files.items():
                archive.writestr(path, b"" if label is None else image(label))
        return f"{root}.zip"

    def _rows(self, root):
        root.mkdir()
        self._dataset().to_parquet(root / "validation.parquet")
        return root

    def _saved(self, root):
        self._dataset().save_to_disk(root)
        return root

    def _dataset(self):
        images = [{"bytes": image(number), "path": path} for path, number in self.files]
        columns = {"image": images, "label": list(self.files.values())}
        features = datasets.Features({"image": datasets.Image(), "label": self.stored})
        return datasets.Dataset.from_dict(columns, features=features)


def in_folders(name, labels=LABELS, ids=False):
    """Two images of each label, in the folder that a function or list names."""
    folder = name if callable(name) else name.__getitem__
    return {
        f"{folder(label)}/{IDS[label][which] if ids else f'{label}_{which}'}.png": label
        for label in labels
        for which in range(2)
    }


def empty(names):
    """Folders without images."""
    return dict.fromkeys(names)


def numbered(form="{}", first=0):
    """Names of 1000 folders."""
    return [form.format(number) for number in range(first, 1000 + first)]


def rows(stored, labels=range(1000), path="{}.png"):
    """Rows of images of each label, of the stored label that a function or list gives."""
    value = stored if callable(stored) else stored.__getitem__
    return {(path(label) if callable(path) else path.format(label), label): value(label) for label in labels}


SORTED = sorted(TORCHVISION)
#: Number of the label -1.
UNLABELLED = {-1: 0}
INT, TEXT = datasets.Value("int64"), datasets.Value("string")
OF_OWN = {f"{name}/{name}{which}.png": label for label, name in enumerate(OWN) for which in range(2)}

LAYOUTS = {
    # Folders named by wnids, and ImageNet's own.
    "wnids": Layout(in_folders(WNIDS)),
    "wnids and validation ids": Layout(in_folders(WNIDS, ids=True)),
    "all wnids, most of them empty": Layout({**empty(WNIDS), **in_folders(WNIDS)}),
    "flat": Layout(in_folders(lambda label: ".", ids=True)),
    "flat, a level too high": Layout(in_folders(lambda label: "val", ids=True)),
    "flat, of no ids": Layout(
        {f"{name}.png": 0 for name in OWN}, classes=(), places=UNLABELLED, notice="have the label -1"
    ),
    "tar, flat, of no ids": Layout(
        {f"{name}.png": 0 for name in OWN}, "tar", classes=(), places=UNLABELLED, notice="have the label -1"
    ),
    # Numbers.
    "ImageNetV2: 0 to 999": Layout(
        {**empty(numbered()), **in_folders(numbered())}, order="0-999", notice="0 being n01440764"
    ),
    "0000 to 0999": Layout({**empty(numbered("{:04d}")), **in_folders(numbered("{:04d}"))}, order="0-999"),
    "1 to 1000": Layout(
        {**empty(numbered(first=1)), **in_folders(numbered(first=1))},
        order="1-1000",
        notice="if 1 is n02119789, they are the devkit's ILSVRC2012_ID",
    ),
    "0001 to 1000": Layout(
        {**empty(numbered("{:04d}", 1)), **in_folders(numbered("{:04d}", 1))}, order="1-1000"
    ),
    "0 to 999 and validation ids": Layout({**empty(numbered()), **in_folders(numbered(), ids=True)}),
    "1 to 1000 and validation ids": Layout(
        {**empty(numbered(first=1)), **in_folders(numbered(first=1), ids=True)}
    ),
    "some numbers and validation ids": Layout(in_folders(str, ids=True)),
    "some numbers from 1 and validation ids": Layout(in_folders(lambda label: f"{label + 1:03d}", ids=True)),
    "the devkit's numbers and a validation id each": Layout(
        {f"{DEVKIT.index(label) + 1}/{IDS[label][0] if label else 'tench'}.png": label for label in LABELS}
    ),
    "numbers of their own order and validation ids": Layout(
        in_folders(lambda label: str((7 * label + 300) % 1000), ids=True), notice="are not ImageNet's"
    ),
    "some numbers, of ImageNet": Layout(in_folders(str), options={"classes": "imagenet"}, order="0-999"),
    "some numbers, of their own": Layout(
        {f"{number}/{number}.png": label for label, number in enumerate((2, 9, 10, 100))},
        classes=("2", "9", "10", "100"),
    ),
    "1 to 12": Layout(
        {f"{number}/x.png": number - 1 for number in range(1, 13)}, classes=tuple(map(str, range(1, 13)))
    ),
    "one number twice": Layout({"1/a.png": 1, "01/b.png": 1}, error="'01' and '1' are the same number"),
    # Names of ImageNet.
    "names of torchvision": Layout(in_folders(TORCHVISION)),
    "names of Keras, in lower case": Layout(in_folders([name.lower() for name in KERAS])),
    "full names": Layout(in_folders(HUB, labels=(0, 1, 65))),
    "names of this package": Layout(in_folders(imagenet.names())),
    "a name and a wnid": Layout({**in_folders(WNIDS, labels=(0,)), **in_folders(KERAS, labels=(1,))}),
    "a name of two classes": Layout(
        {"crane/a.png": 134, "tench/b.png": 0}, error="'crane' may be n02012849 or n03126707"
    ),
    "a name of two classes and validation ids": Layout({f"crane/{IDS[134][0]}.png": 134, "tench/b.png": 0}),
    "a class by two names": Layout(
        {"tench/a.png": 0, "n01440764/b.png": 0},
        error="'n01440764' and 'tench' are the same class of ImageNet",
    ),
    # Classes of their own.
    "own names": Layout(OF_OWN, classes=OWN),
    "wnids that are not of the 1000": Layout(
        {"n01440764/a.png": 0, "n99999999/b.png": 1},
        classes=("n01440764", "n99999999"),
        notice="are none of ImageNet's 1000",
    ),
    "file names that are equal": Layout(
        {f"{name}/0.png": label for label, name in enumerate(OWN)}, classes=OWN
    ),
    "own names and a list of them": Layout(
        {f"{name}/0.png": label for label, name in enumerate(OWN)},
        options={"classes": ["house", "dog", "cat"]},
        classes=("house", "dog", "cat"),
        places=(2, 1, 0),
    ),
    # Strays, and faults.
    "strays beside wnids": Layout(
        {**in_folders(WNIDS), "__MACOSX": None, "lists": None, ".cache": None},
        notice="no image in __MACOSX, lists; passed over",
    ),
    "strays beside own names": Layout(
        {**OF_OWN, "__MACOSX": None}, classes=OWN, notice="no image in __MACOSX; passed over"
    ),
    "several levels too high": Layout(
        {
            f"Data/CLS-LOC/{part}/{path}": label
            for part in ("train", "val")
            for path, label in in_folders(WNIDS).items()
        },
        error="Data/CLS-LOC/val (8 images) or ",
    ),
    "several levels too high, and flat": Layout(
        {f"Data/CLS-LOC/val/{name}.JPEG": 0 for name in IDS[0]},
        error="/val/Data/CLS-LOC/val (2 images), or move them",
    ),
    "a wnid that contradicts a validation id": Layout(
        {"n01440764/ILSVRC2012_val_00000001.png": 65},
        error="ILSVRC2012_val_00000001 is in the class 'n01440764', which is n01440764 (label 0), but by its name it "
        "is n01751748 (label 65)",
    ),
    "a number that contradicts a validation id": Layout(
        {**in_folders(str, ids=True), "7/ILSVRC2012_val_00000001.png": 65},
        error="is in the class '7', which is n01514668",
    ),
    "wnids and other names": Layout(
        {"n01440764/a.png": 0, "cat/b.png": 1}, error="1 sub-folders are ImageNet wnids and 1 are not"
    ),
    # Archives.
    "tar of wnids": Layout(
        {f"imagenet/val/{path}": label for path, label in in_folders(WNIDS).items()}, "tar"
    ),
    "tar, flat": Layout(in_folders(lambda label: "val", ids=True), "tar"),
    "tar.gz of numbers and validation ids": Layout(in_folders(str, ids=True), "tar.gz"),
    "tar.gz of equal file names": Layout(
        {f"{name}/0.png": label for label, name in enumerate(OWN)}, "tar.gz", classes=OWN
    ),
    "zip of names": Layout({f"set/{path}": label for path, label in in_folders(KERAS).items()}, "zip"),
    "zip with strays": Layout(
        {**OF_OWN, "__MACOSX/": None, "__MACOSX/cat/._cat0.png": None, "cat/": None}, "zip", classes=OWN
    ),
    "zip written by Windows": Layout(
        {path.replace("/", "\\"): label for path, label in OF_OWN.items()}, "zip", classes=OWN
    ),
    "zip that leads out": Layout(
        {"../cat/a.png": 0}, "zip", error="has a name that leads out of the archive"
    ),
    # Rows.
    "rows of numbers 0 to 999": Layout(
        rows(int), "rows", stored=INT, order="0-999", notice="0 being n01440764"
    ),
    "rows of numbers 1 to 1000": Layout(rows(lambda label: label + 1), "rows", stored=INT, order="1-1000"),
    "rows of some numbers and ids": Layout(
        rows(int, LABELS, lambda label: f"{IDS[label][0]}.JPEG"), "rows", stored=INT
    ),
    "rows of numbers from 1 and ids": Layout(
        rows(lambda label: label + 1, LABELS, lambda label: f"{IDS[label][0]}.JPEG"), "rows", stored=INT
    ),
    "rows of names, sorted": Layout(
        rows(lambda label: SORTED.index(TORCHVISION[label]), LABELS),
        "rows",
        stored=datasets.ClassLabel(names=SORTED),
    ),
    "rows as in ILSVRC/imagenet-1k": Layout(
        rows(int, LABELS), "saved", stored=datasets.ClassLabel(names=HUB)
    ),
    "rows of names as text": Layout(rows(KERAS, LABELS), "rows", stored=TEXT),
    "rows of wnids as text": Layout(rows(WNIDS, LABELS), "saved", stored=TEXT),
    "rows of own names": Layout(
        rows(int, range(3)),
        "rows",
        stored=datasets.ClassLabel(names=["z", "b", "a"]),
        classes=("z", "b", "a"),
    ),
    # Lists of classes, whose places are the labels.
    "imagenet-a of wnids": Layout(
        in_folders(WNIDS, (0, 6, 11)), options={"classes": "imagenet-a"}, classes=A.names, places=A.indices
    ),
    "imagenette of numbers": Layout(
        {f"{place}/{place}.png": label for place, label in enumerate(NETTE.indices)},
        options={"classes": "imagenette"},
        classes=NETTE.names,
        places=NETTE.indices,
        order="0-9",
    ),
    "two classes of a file, flat": Layout(
        in_folders(lambda label: ".", ids=True),
        options={"classes": ["goldfish", "n01440764 tench"]},
        classes=("n01443537", "n01440764"),
        places=(1, 0),
    ),
    "rows of names and a list of others": Layout(
        rows(KERAS, LABELS),
        "rows",
        {"classes": "imagewoof"},
        TEXT,
        error="has no image of the classes of imagewoof",
    ),
    "some images": Layout(in_folders(WNIDS), options={"ids": ["n01443537/1_0.png", "65_1"]}),
}
