"""Builds that are unfinished, damaged or doubled are refused, and parts of a benchmark are named as such."""

import json
import os
import shutil

import pytest
from toy_evaluations import evaluation
from toy_models import by_colour

from imagenet_cp.build.build_json import open_build
from imagenet_cp.build.checksums import Checksums
from imagenet_cp.build.plan import build
from imagenet_cp.cli.evaluate import _summary
from imagenet_cp.errors import BuildError, SourceError
from imagenet_cp.evaluation.data.built_rows import from_folder
from imagenet_cp.evaluation.data.completeness import check_card
from imagenet_cp.evaluation.report.page import _warnings
from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.jobs.job_folder import Shard
from imagenet_cp.sources import open_source


@pytest.fixture
def folder(folders, tmp_path):
    return shutil.copytree(folders["imagenet_c"], tmp_path / "imagenet_c")


def files(folder, config="fog_3"):
    return sorted((folder / "data" / config).iterdir())


def rewrite(folder, **changes):
    record = json.loads((folder / "build.json").read_text())
    (folder / "build.json").write_text(json.dumps({**record, **changes}))


def test_an_unfinished_build_is_refused(folder):
    identity = json.loads((folder / "build.json").read_text())["identity"]
    (folder / "build.json").write_text(json.dumps({"identity": identity}))
    with pytest.raises(BuildError, match="the build is not finished; run the same build command again"):
        from_folder(folder)


def test_missing_doubled_and_cut_files_are_named(folder):
    first, second = files(folder)
    shutil.copy(first, first.with_name("validation-00000-of-00007.parquet"))
    with pytest.raises(
        SourceError, match=r"fog_3/validation-00000-of-00007\.parquet: not named in build\.json"
    ):
        from_folder(folder).check()
    first.with_name("validation-00000-of-00007.parquet").unlink()
    second.unlink()
    with pytest.raises(SourceError, match=rf"{second.name}: missing\. Run the same build command again"):
        evaluate_model(by_colour, imagenet_c=folder)
    from_folder(folder).select(["brightness"]).check()
    shutil.rmtree(folder / "data" / "fog_3")
    with pytest.raises(SourceError, match=rf"fog_3/{first.name}: missing"):
        from_folder(folder).check()


def test_a_size_or_number_of_rows_that_is_not_the_recorded_one_is_named(folder):
    record = json.loads((folder / "build.json").read_text())
    name = files(folder)[0].relative_to(folder).as_posix()
    for key, text in (("size", "bytes, not 1 as recorded"), ("rows", "3 rows, not 1 as recorded")):
        rewrite(folder, files={**record["files"], name: {**record["files"][name], key: 1}})
        with pytest.raises(SourceError, match=text):
            from_folder(folder).check()


def test_a_flipped_byte_is_found_at_first_use_and_checksums_are_remembered(folder, monkeypatch):
    file = files(folder)[0]
    data = bytearray(file.read_bytes())
    data[2000] ^= 1
    original = file.read_bytes()
    file.write_bytes(data)
    with pytest.raises(SourceError, match=rf"{file.name}: its checksum is not the recorded one"):
        evaluate_model(by_colour, imagenet_c=folder, configs=["fog_3"])
    file.write_bytes(original)
    evaluate_model(by_colour, imagenet_c=folder, configs=["fog_3"])
    name = file.relative_to(folder).as_posix()
    monkeypatch.setattr("imagenet_cp.build.checksums.problem_of", lambda *_: "read again")
    Checksums(folder, open_build(folder).files).verify(name)
    os.utime(file, ns=(1, 1))
    with pytest.raises(SourceError, match="read again"):
        Checksums(folder, open_build(folder).files).verify(name)


def test_what_a_build_has_written_is_not_read_again_but_copies_are(folders, folder, monkeypatch):
    monkeypatch.setattr("imagenet_cp.build.checksums.problem_of", lambda *_: "read again")
    name = files(folder)[0].relative_to(folder).as_posix()
    built = folders["imagenet_c"]
    Checksums(built, open_build(built).files).verify(name)
    assert (folder / name).stat().st_mtime_ns == (built / name).stat().st_mtime_ns
    with pytest.raises(SourceError, match="read again"):  # it may have been damaged on the way
        Checksums(folder, open_build(folder).files).verify(name)


def test_a_file_that_is_altered_between_two_shards_is_not_remembered(labelled, tmp_path):
    options = {"configs": ["fog_3"], "images_per_file": 2, "workers_count": 1}
    build("imagenet_c", open_source(labelled), tmp_path, shard=Shard(1, 2), **options)
    (file,) = files(tmp_path)
    data = bytearray(file.read_bytes())
    data[2000] ^= 1
    file.write_bytes(data)
    build("imagenet_c", open_source(labelled), tmp_path, shard=Shard(2, 2), **options)
    with pytest.raises(SourceError, match="its checksum is not the recorded one"):
        evaluate_model(by_colour, imagenet_c=tmp_path)


def test_checksums_that_two_processes_compare_at_the_same_time_are_all_remembered(folder, monkeypatch):
    shutil.rmtree(folder / ".imagenet_cp")
    names = [file.relative_to(folder).as_posix() for file in files(folder)]
    for checksums, name in [(Checksums(folder, open_build(folder).files), name) for name in names]:
        checksums.verify(name)
    with open(folder / ".imagenet_cp/verified.txt", "ab") as lines:
        lines.write(b"a line cut sh")
    monkeypatch.setattr("imagenet_cp.build.checksums.problem_of", lambda *_: "read again")
    for name in names:
        Checksums(folder, open_build(folder).files).verify(name)


def test_a_folder_that_cannot_be_written_is_evaluated_too(folder):
    shutil.rmtree(folder / ".imagenet_cp")
    (folder / ".imagenet_cp/verified.txt").mkdir(parents=True)
    evaluate_model(by_colour, imagenet_c=folder, configs=["fog_3"])


def test_rows_without_a_record_are_compared_with_the_card(folder):
    (folder / "build.json").unlink()
    rows = from_folder(folder)
    rows.check()
    card = (folder / "README.md").read_text()
    assert check_card(card, rows.num_rows) == {}
    assert check_card(card, {"fog_3": 3}) == {"fog_3": "data/fog_3: 3 rows, but 4 according to its card"}
    of_one = "---\ndataset_info:\n  config_name: fog_3\n  splits:\n  - name: validation\n    num_examples: 4\n---\n"
    assert check_card(of_one, {"fog_3": 4}) == {}
    files(folder)[1].unlink()
    with pytest.raises(SourceError, match="data/fog_3: 3 rows, but 4 according to its card"):
        from_folder(folder).check()
    (folder / "README.md").unlink()
    with pytest.raises(SourceError, match="4 rows, but none according to its card"):
        from_folder(folder).select(["clean"]).check()


def test_a_part_is_named_on_screen_in_the_page_and_in_the_signature(folders):
    made = evaluate_model(by_colour, **folders, configs=["fog_3", "tilt"], limit=2)
    for metric in ("mce", "mfr", "mt5d"):
        assert "|part:2/50000" in made.metrics[metric]["signature"]
    assert "A part of the benchmark, 2 of 50,000 images: its scores are not those of the whole." in _warnings(
        {"one": made}
    )
    whole = evaluation(40, 12)
    assert not any("part of the benchmark" in text for text in (*_summary(whole), *_warnings({"one": whole})))
    result = whole.metrics["mce"]
    whole.metrics["mce"] = {**result, "signature": f"{result['signature']}|part:40/50000"}
    assert any("on a part of the benchmark, 40 of 50,000 images" in line for line in _summary(whole))
