"""Lists of classes: those of benchmarks, and files."""

import hashlib

import pytest

from imagenet_cp import notices
from imagenet_cp.errors import SourceError, UsageError
from imagenet_cp.sources import Item, Source
from imagenet_cp.sources import classes as imagenet
from imagenet_cp.sources.class_lists import class_list, is_named, labels_in
from imagenet_cp.sources.subsets import restrict_images

#: Length, and start of the SHA-256 of the wnids joined by spaces.
CHECKSUMS = {
    "imagenet": (1000, "791ce0333040dd24"),
    "imagenet-100": (100, "469d277522bc36e8"),
    "imagenette": (10, "f59eff25ad35433f"),
    "imagewoof": (10, "7068c1227e6e914e"),
    "imagenet-r": (200, "354baa0a46566aa6"),
    "imagenet-a": (200, "ff8c384504d3ec59"),
    "imagenet-devkit": (1000, "4ea5082abdf28e98"),
}


@pytest.mark.parametrize("name", CHECKSUMS)
def test_named_lists_are_those_of_the_benchmarks(name):
    found = class_list(name)
    assert found.name == name and len(set(found.names)) == len(found.names)
    assert list(found.names) == sorted(found.names) or name == "imagenet-devkit"
    assert found.names == tuple(imagenet.wnids()[index] for index in found.indices)
    checksum = hashlib.sha256(" ".join(found.names).encode()).hexdigest()[:16]
    assert (len(found.names), checksum) == CHECKSUMS[name]


def test_the_devkits_order_gives_its_validation_labels():
    """Its first and last lines, which are quoted in many places; the first image is a sea snake, number 490."""
    order, labels = class_list("imagenet-devkit").indices, imagenet.validation_labels()
    found = [order.index(label) + 1 for _, label in sorted(labels.items())]
    assert found[:11] == [490, 361, 171, 822, 297, 482, 13, 704, 599, 164, 649]
    assert found[-5:] == [10, 495, 128, 848, 186]
    assert imagenet.names()[order[0]] == "kit fox" and sorted(order) == list(range(1000))


def test_imagenette_is_what_its_names_say():
    words = (
        "tench, English springer, cassette player, chain saw, church, French horn, garbage truck, gas pump"
    )
    names = [*words.split(", "), "golf ball", "parachute"]
    assert list(class_list("imagenette").indices) == imagenet.indices_of(names)


@pytest.mark.parametrize(
    ("text", "names", "indices"),
    [
        ("n01443537\nn01440764\n", ("n01443537", "n01440764"), (1, 0)),
        (
            "# two fish\nn01440764 tench, Tinca tinca\n\nn01443537 goldfish",
            ("n01440764", "n01443537"),
            (0, 1),
        ),
        ("\ufeff1\r\n0\r\n", ("n01443537", "n01440764"), (1, 0)),
        ("goldfish\ntench, Tinca tinca\n", ("n01443537", "n01440764"), (1, 0)),
        ("cat\ndog\ngoldfish\nbus\n", ("cat", "dog", "goldfish", "bus"), None),
        ("goldfish\nhole\n", ("goldfish", "hole"), None),
    ],
)
def test_a_file_holds_wnids_names_or_numbers(tmp_path, text, names, indices):
    file = tmp_path / "classes.txt"
    file.write_text(text, encoding="utf-8", newline="")
    found = class_list(file)
    assert (found.names, found.indices) == (names, indices) and len(found.name) == 12


def test_the_name_of_a_file_is_the_checksum_of_its_classes(tmp_path):
    (tmp_path / "a").write_text("0\n1\n")
    (tmp_path / "b").write_text("n01440764\nn01443537")
    (tmp_path / "c").write_text("1\n0\n")
    one, two, three = (class_list(tmp_path / name).name for name in "abc")
    assert one == two != three
    assert one == hashlib.sha256(b"n01440764\nn01443537").hexdigest()[:12]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no class; write one a line"),
        ("0\n1000\n", "1000 is none of ImageNet's classes, whose numbers are 0 to 999"),
        ("0\ntench\n", "mixes numbers such as 0 with names"),
        ("tench\ntench\n", "names the class 'tench' twice"),
        ("tench\nn01440764\n", "names the class 'n01440764' twice"),
        ("tench\ngoldfish\nhole\n", "2 of its 3 classes are ImageNet's, but 'hole' is none of these"),
        ("tench\ngoldfish\ncrane\n", "'crane' is none of these, or may be one of two; write its wnid"),
        ("a\tb\n", "'a\\tb' holds characters that cannot be stored"),
    ],
)
def test_files_that_say_nothing_plain_are_named(tmp_path, text, says):
    file = tmp_path / "classes.txt"
    file.write_text(text)
    with pytest.raises(SourceError) as error:
        class_list(file)
    assert str(file) in str(error.value) and says in str(error.value)


def test_an_unknown_list_suggests_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match=r"nor a file of one class a line; did you mean imagenet-r"):
        class_list("imagenet-rr")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff")
    with pytest.raises(SourceError, match=r"not a text file in UTF-8"):
        class_list(tmp_path / "image.png")


@pytest.mark.parametrize(
    ("wanted", "names", "label_of", "order"),
    [
        ("imagenette", ["n03028079", "tench", "goldfish", "golf ball"], {0: 4, 1: 0, 3: 8}, ""),
        ("cat\ndog\nbus\n", ["bus", "tench", "cat"], {0: 2, 2: 0}, ""),
        ("imagenette", ["0", "9"], {0: 0, 1: 9}, "0-9"),
        ("imagenette", ["1", "10"], {0: 0, 1: 9}, "1-10"),
        ("imagenette", ["1", "9"], {0: 1, 1: 9}, "0-9"),
    ],
)
def test_classes_of_data_are_found_in_a_list_by_every_kind_of_name(tmp_path, wanted, names, label_of, order):
    if "\n" in wanted:
        (tmp_path / "list.txt").write_text(wanted)
        wanted = tmp_path / "list.txt"
    assert labels_in(class_list(wanted), names, "data") == (label_of, order)


def test_classes_that_a_list_has_not_are_named():
    with pytest.raises(SourceError, match=r"data: has a class 10, but imagenette has 10 classes"):
        labels_in(class_list("imagenette"), ["0", "10"], "data")
    with pytest.raises(SourceError) as error:
        labels_in(class_list("imagenette"), ["goldfish", "hen", "kite", "jay"], "data")
    assert str(error.value) == (
        "data: none of its 4 classes, such as goldfish, hen, kite, is in imagenette, whose classes are n01440764, "
        "n02102040, n02979186, ...; name a list of this data's classes"
    )


@pytest.mark.parametrize(
    ("classes", "given", "order"),
    [(("1", "10"), "", "1-10"), (("tench", "golf ball"), "", ""), (("tench", "golf ball"), "0-999", "0-999")],
)
def test_the_numbers_of_a_source_s_classes_stay_in_its_signature(classes, given, order):
    items = tuple(Item(f"image {label}", label, f"/{label}") for label in range(2))
    found = restrict_images(Source("photos", classes, items, None, order=given), classes="imagenette")
    assert found.order == order and found.class_list == "imagenette"
    assert found.classes == class_list("imagenette").names
    assert [item.label for item in found.items] == ([0, 9] if classes[0] == "1" else [0, 8])


def test_a_name_of_two_classes_is_that_of_the_images_whose_names_are_known():
    crane = next(name for name, label in imagenet.validation_labels().items() if label == 517)
    found = imagenet.identify("here", ["crane", "crane", "tench"], [crane, "of my own", "fish"])
    assert found.labels == [517, 517, 0] and found.classes == imagenet.wnids()


@pytest.mark.parametrize(
    ("numbers", "number", "rank"),
    [(range(1000), 0, 0), (range(1, 1001), 1, 0), (range(2, 1002), 2, 0), ([*range(999), 5000], 5000, 999)],
)
def test_a_thousand_numbers_that_contradict_the_names_of_files_are_an_error(numbers, number, rank):
    name_of = {label: name for name, label in imagenet.validation_labels().items()}
    given, stems = [*map(str, numbers), str(number), str(number)], [*[""] * 1000, name_of[7], name_of[9]]
    says = rf"'{number}', which is {imagenet.wnids()[rank]} \(label {rank}\), .*\(label 7\); 2 of 1,002"
    with pytest.raises(SourceError, match=says):
        imagenet.identify("here", given, stems)


def test_a_list_of_all_names_may_have_a_few_strange_ones():
    names = ["something else", *imagenet.names()[1:]]
    assert imagenet.indices_of(names) == list(range(1000))
    names[: imagenet._FEW] = ["something else"] * imagenet._FEW
    assert imagenet.indices_of(names) == list(range(1000))
    names[imagenet._FEW] = "something else"
    assert imagenet.indices_of(names)[0] is None


def test_a_name_of_two_classes_is_the_one_that_no_other_name_stands_for():
    assert imagenet.indices_of(["crane", "n02012849", "hen"]) == [517, 134, 8]
    assert imagenet.indices_of(["n03126707 crane", "crane"]) == [517, 134]
    assert imagenet.indices_of(["crane", "hen"]) == [None, 8]


def test_the_label_of_a_file_is_that_of_its_id_before_its_wnid():
    stems = ("ILSVRC2012_val_00000001", "ILSVRC2012_val_00000001_n01440764", "n01440764_18", "a-n01443537.b")
    assert [imagenet.known_label(stem) for stem in stems] == [65, 65, 0, 1]
    for stem in ("n99999999_1", "xn01440764", "n014407641", "n0144076", "ILSVRC2012_test_00000001", ""):
        assert imagenet.known_label(stem) is None


@pytest.mark.parametrize(
    ("given", "of", "labels"),
    [
        (["7", "9", "12"], [500, 9, 501], [500, 9, 501]),
        (["7", "9", "7"], [500, 501, 500], [500, 501, 500]),
        (["7", "9", "7"], [500, 501, 502], None),
        (["7", "9"], [500, 500], None),
        (["7", "9"], [500, None], None),
    ],
)
def test_other_numbers_are_what_the_names_of_files_say_of_every_one(given, of, labels):
    name_of = {label: name for name, label in imagenet.validation_labels().items()}
    found = imagenet.identify("here", given, [name_of.get(label, "") for label in of])
    if labels is None:
        assert found.classes == ("7", "9") and found.labels == [("7", "9").index(name) for name in given]
    else:
        assert (found.classes, found.labels) == (imagenet.wnids(), labels)


def test_numbers_that_half_of_the_names_agree_with_are_imagenet_s():
    name_of = {label: name for name, label in imagenet.validation_labels().items()}
    with pytest.raises(SourceError, match=r"'7', which is .*\(label 7\), .*\(label 500\); 1 of 2 images"):
        imagenet.identify("here", ["7", "9"], [name_of[500], name_of[9]])


def test_a_class_that_is_not_plain_is_named_among_many():
    names = [*(imagenet.wnids()[label] for label in range(18)), "hole"]
    with pytest.raises(SourceError, match=r"18 sub-folders are ImageNet wnids and 1 are not, such as 'hole'"):
        imagenet.identify("here", names, [""] * len(names))
    plain = ["ant", "goldfish", "hen", "kite", "tench", "vulture", "zebra", "jay", "robin", "ostrich"]
    for more, says in (
        (
            ["hole"],
            r"10 of 11 classes have names of ImageNet's, but 'hole' is none of these; .*wnid, or move it",
        ),
        (["crane"], r"but 'crane' may be n02012849 or n03126707; rename it to its wnid$"),
        (["a hole", "crane"], r"10 of 12 classes .* but 'crane' may be n02012849 or n03126707; "),
    ):
        with pytest.raises(SourceError, match=says):
            imagenet.identify("here", plain + more, [""] * (len(plain) + len(more)))


@pytest.mark.parametrize(("known", "strange", "own"), [(1, 1, True), (8, 1, True), (9, 1, False)])
def test_classes_are_a_source_s_own_unless_nine_in_ten_are_imagenet_s(known, strange, own):
    plain = ["ant", "goldfish", "hen", "kite", "tench", "vulture", "zebra", "jay", "robin", "ostrich"]
    names = sorted([*plain[:known], *["a hole", "b hole"][:strange]])
    if own:
        assert imagenet.identify("here", names, [""] * len(names)).classes == tuple(names)
    else:
        with pytest.raises(SourceError, match=r"9 of 10 classes have names of ImageNet's"):
            imagenet.identify("here", names, [""] * len(names))


@pytest.mark.parametrize("first", [0, 1])
def test_a_thousand_numbers_are_taken_for_imagenet_s_with_a_notice(first, capsys):
    notices.notice.cache_clear()
    given = [str(number) for number in range(first, first + 1000)]
    found = imagenet.identify("here", given, [""] * 1000)
    assert found == imagenet.Labels(imagenet.wnids(), list(range(1000)), f"{first}-{first + 999}")
    printed = capsys.readouterr().err
    assert (
        f"its classes {first} to {first + 999} are taken for" in printed
        and f", {first} being n01440764; " in printed
    )
    assert ("if 1 is n02119789, they are the devkit's" in printed) == (first == 1)


def test_two_names_of_one_class_are_named():
    with pytest.raises(
        SourceError, match=r"'n01440764' and 'tench' are the same class of ImageNet \(n01440764\)"
    ):
        imagenet.identify("here", ["n01440764", "tench"], ["", ""])
    with pytest.raises(SourceError, match=r"'01' and '1' are the same number"):
        imagenet.identify("here", ["01", "1"], ["", ""])


def test_folders_without_images_are_named(capsys):
    notices.notice.cache_clear()
    found = imagenet.identify("here", ["cat", "my dog"], ["", ""], empty=["z", "x", "y", "w"])
    assert found.classes == ("cat", "my dog")
    assert "here: no image in w, x, y and 1 more; passed over, and no class" in capsys.readouterr().err
    imagenet.identify("three", ["cat"], [""], empty=["c", "a", "b"])
    assert "three: no image in a, b, c; passed over, and no class" in capsys.readouterr().err
    imagenet.identify("there", ["1", "0"], ["", ""], empty=["2", "lists"])
    assert "there: no image in lists; passed over, and no class" in capsys.readouterr().err


@pytest.mark.parametrize("first", [0, 1, "devkit"])
def test_numbers_with_known_images_are_from_0_or_1_or_the_devkits(first, capsys):
    known = sorted(imagenet.validation_labels().items())[:3]
    order = class_list("imagenet-devkit").indices
    given = [str(order.index(label) + 1 if first == "devkit" else label + first) for _, label in known]
    found = imagenet.identify("here", given, [name for name, _ in known])
    assert found.labels == [label for _, label in known] and found.classes == imagenet.wnids()
    assert not capsys.readouterr().err  # they are no numbers of another meaning
    assert is_named("imagenet-devkit") and not is_named("0123456789ab")
