"""Small archives in the manner of the published ones, and what an import made of them."""

import hashlib
import io
import tarfile
from dataclasses import replace

import pyarrow.parquet as pq

from imagenet_cp.archives.known_releases import RELEASES
from imagenet_cp.archives.release import Archive


def pack(path, files):
    """Make a tar archive of names, or members, and bytes."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in files.items():
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def special(name, kind, linkname=""):
    """Return a member that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    return info


def unpack(folder, files):
    """Make a folder of names and bytes."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def publish(monkeypatch, dataset, **archives):
    """Make a release's published archives be others."""
    known = {
        f"{name}.tar": Archive(hashlib.md5(path.read_bytes()).hexdigest()) for name, path in archives.items()
    }
    monkeypatch.setitem(RELEASES, dataset, replace(RELEASES[dataset], archives=known))


def rows_of(folder, config):
    """Return the rows of a config."""
    return pq.read_table(folder / "data" / config).to_pylist()


def tree(folder):
    """Return what a folder holds, but for what only this package reads."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".imagenet_cp" not in path.parts
    }
