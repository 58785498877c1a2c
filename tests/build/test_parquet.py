"""Parquet files of a build."""

import contextlib
import hashlib

import datasets
import pyarrow.parquet as pq
import pytest

from imagenet_cp.build.parquet import FileInfo, Layout, ParquetFile, nbytes, read_footer

FEATURES = datasets.Features({"image": datasets.Image(), "image_id": datasets.Value("string")})
LAYOUT = Layout(FEATURES, "imagenet_c|recipe:1")


class Claimed:
    @contextlib.contextmanager
    def check(self):
        yield


def written(path, images):
    with ParquetFile(path, LAYOUT, Claimed()) as file:
        for row, data in enumerate(images):
            file.write({"image": {"bytes": data, "path": "a.png"}, "image_id": str(row)})
    return file.info


@pytest.mark.parametrize(
    ("images", "groups"),
    [
        ([b"small"] * 250, [100, 100, 50]),
        ([bytes(4 << 20)] * 5, [2, 2, 1]),
        ([bytes((4 << 20) - 1)] * 4, [3, 1]),
    ],
    ids=["by rows", "by bytes", "a byte less"],
)
def test_row_groups_hold_a_hundred_rows_or_eight_mebibytes(tmp_path, images, groups):
    path = tmp_path / "data" / "fog_3" / "a.parquet"
    info = written(path, images)
    footer = pq.read_metadata(path)
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == groups
    assert footer.row_group(0).column(0).has_offset_index  # so that readers find single pages
    data = path.read_bytes()
    assert info == FileInfo(len(images), len(data), hashlib.sha256(data).hexdigest())
    assert read_footer(path) == ("imagenet_c|recipe:1", len(images))
    assert [one.name for one in path.parent.iterdir()] == ["a.parquet"]


def test_an_unfinished_file_is_removed(tmp_path):
    path = tmp_path / "data" / "fog_3" / "a.parquet"
    with pytest.raises(KeyError), ParquetFile(path, LAYOUT, Claimed()) as file:
        file.write({"image_id": "0"})
    assert not list(path.parent.iterdir()) and read_footer(path) == ("", 0) and file.file.closed


def test_the_bytes_of_images_are_counted_at_any_depth():
    image = {"bytes": b"123", "path": "a.png"}
    values = image, [image, image], [[image], []], {"bytes": None, "path": "a.png"}, "text", 5
    assert list(map(nbytes, values)) == [3, 6, 3, 0, 0, 0]
