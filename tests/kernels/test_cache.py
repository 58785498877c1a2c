"""Compiled code is cached in a second process, without a home, on a full disk; damaged files are replaced."""

import errno
import os
import pathlib
import subprocess
import sys

import pytest

from imagenet_cp import notices
from imagenet_cp.kernels import cache, compiled

MODULE = """
import sys
from imagenet_cp.kernels.compiled import kernel

@kernel
def double(x):
    return 2 * x

if __name__ == "__main__":
    assert double(21) == 42
    print(double._cache.cache_path, sum(double.stats.cache_hits.values()))
"""


@pytest.fixture
def run(tmp_path):
    """Run a module with one kernel in a process of its own; return its cache folder, cache hits and stderr."""
    script = tmp_path / "module" / "doubling.py"
    script.parent.mkdir()
    script.write_text(MODULE)

    def run(**variables):
        environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        done = subprocess.run(
            [sys.executable, str(script)], env=environment | variables, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        folder, hits = done.stdout.rsplit(maxsplit=1)
        return pathlib.Path(folder), int(hits), done.stderr

    return run


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No folder is writable but the temporary one."""
    monkeypatch.setattr(cache._KernelCacheImpl, "_locator_classes", (cache._TemporaryCacheLocator,))
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path))
    notices.notice.cache_clear()
    return tmp_path / f"imagenet-cp-compiled-{os.getuid()}"


def triple(x):
    return 3 * x


def test_a_second_process_finds_the_code_beside_the_function_s_own_file(run, tmp_path):
    folder = tmp_path / "module" / "__pycache__"
    assert run() == (folder, 0, "")
    assert [file.name.split("-")[0] for file in folder.glob("*.kernel")] == ["doubling.double"]
    assert run() == (folder, 1, "")


def test_the_cache_folder_of_the_environment_is_used(run, tmp_path):
    folder, _, stderr = run(NUMBA_CACHE_DIR=str(tmp_path / "chosen"))
    assert folder.parent == tmp_path / "chosen" and not stderr
    assert run(NUMBA_CACHE_DIR=str(tmp_path / "chosen"))[1] == 1


def test_an_altered_source_is_compiled_anew(run, tmp_path):
    run()
    script = tmp_path / "module" / "doubling.py"
    script.write_text(MODULE + "\n# altered\n")
    assert run()[1] == 0 and run()[1] == 1


@pytest.mark.parametrize("damage", ["empty", "truncated", "scrambled", "another format"])
def test_a_damaged_file_is_replaced(run, damage):
    (file,) = run()[0].glob("*.kernel")
    data = file.read_bytes()
    half = len(data) // 2
    scrambled = data[:half] + bytes(byte ^ 0x55 for byte in data[half : half + 9]) + data[half + 9 :]
    contents = {
        "empty": b"",
        "truncated": data[:half],
        "scrambled": scrambled,
        "another format": b"\x80\x04N.",
    }
    file.write_bytes(contents[damage])
    assert run()[1:] == (0, "")
    assert run()[1:] == (1, "")


def test_without_a_writable_folder_the_temporary_one_is_used(nowhere, capsys):
    assert compiled.kernel(triple)(2) == 6
    assert compiled.kernel(triple)(2) == 6
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and str(nowhere) in message and "NUMBA_CACHE_DIR" in message
    assert nowhere.stat().st_mode & 0o777 == 0o700
    assert list(nowhere.glob("*/*.kernel"))


@pytest.mark.parametrize("planted", ["readable by others", "link", "file", "another user's"])
def test_a_planted_folder_is_not_used(nowhere, planted, capsys, monkeypatch, tmp_path):
    if planted == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        nowhere.symlink_to(tmp_path / "elsewhere")
    elif planted == "file":
        nowhere.touch(mode=0o600)
    else:
        nowhere.mkdir()
        nowhere.chmod(0o777 if planted == "readable by others" else 0o700)
    if planted == "another user's":
        user = os.getuid()
        nowhere.rename(nowhere.with_name(f"imagenet-cp-compiled-{user + 1}"))
        monkeypatch.setattr(os, "getuid", lambda: user + 1)
    assert compiled.kernel(triple)(2) == 6
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "NUMBA_CACHE_DIR" in message
    assert not list(tmp_path.glob("*/*"))


def test_a_full_disk_is_one_line(nowhere, monkeypatch, capsys):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    double, again = compiled.kernel(triple), compiled.kernel(triple)
    capsys.readouterr()
    monkeypatch.setattr(cache.Path, "write_bytes", full)
    assert double(2) == again(2) == 6
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "No space left on device" in message
    assert not list(nowhere.glob("*/*"))


def test_a_worker_process_is_silent(nowhere, monkeypatch, capsys):
    monkeypatch.setattr(notices.multiprocessing, "parent_process", lambda: object())
    assert compiled.kernel(triple)(2) == 6
    assert capsys.readouterr().err == ""


def test_recompiling_replaces_the_file(nowhere):
    function = compiled.kernel(triple)
    function(2)
    function.recompile()
    assert len(list(nowhere.glob("*/*.kernel"))) == 1 and function(2) == 6
