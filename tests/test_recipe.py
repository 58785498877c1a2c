"""Random streams depend on what they should, and on nothing else."""

from numpy.random import RandomState

from imagenet_cp.benchmarks.recipe import Recipe, stream


def first(bits):
    return RandomState(bits.to_sfc64()).randint(2**31)


def test_every_part_of_the_key_gives_another_stream():
    keys = [
        ("imagenet_c", "imagenet", "fog", 3, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_p", "imagenet", "fog", 3, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "tiny", "fog", 3, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "imagenet", "frost", 3, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "imagenet", "fog", 4, 0, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "imagenet", "fog", 3, 1, "ILSVRC2012_val_00000001"),
        ("imagenet_c", "imagenet", "fog", 3, 0, "ILSVRC2012_val_00000002"),
    ]
    assert len({first(stream(*key)) for key in keys}) == len(keys)
    assert first(stream(*keys[0])) == first(Recipe("imagenet_c").bits("fog", 3, "ILSVRC2012_val_00000001"))


def test_streams_are_frozen():
    assert first(Recipe("imagenet_c").bits("fog", 3, "ILSVRC2012_val_00000001")) == FROZEN


FROZEN = 1409765940


def test_the_signature_names_what_decides_the_bytes():
    assert Recipe("imagenet_c", seed=7).signature == "imagenet_c|recipe:1|profile:imagenet|seed:7|jpeg:85"
