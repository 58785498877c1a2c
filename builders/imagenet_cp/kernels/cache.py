"""On-disk cache of compiled code that tolerates missing home directories, corrupt files and full disks.

Extends numba's cache (``numba.core.caching``) in two places: a fallback where no folder is writable, and files that
carry a checksum and everything that their code depends on.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import stat
import tempfile
import uuid
from pathlib import Path
from typing import Any

import numba
from numba.core import caching, serialize

from ..notices import notice

_caching: Any = caching  # untyped
_dumps: Any = serialize.dumps
_ADVICE = "set NUMBA_CACHE_DIR to a writable folder that lasts"


def enable_caching(dispatcher: Any) -> None:
    """Enable the on-disk cache of a compiled function, or skip it with a notice if no folder is writable."""
    try:
        dispatcher._cache = _KernelCache(dispatcher.py_func)
    except (OSError, RuntimeError):  # numba finds "no locator available"
        notice(f"compiled code can't be cached, so every process compiles anew; {_ADVICE}")


def _temporary_dir() -> str:
    """Create the user's folder for compiled code in the temporary folder; raise OSError if another user owns it."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    path = os.path.join(tempfile.gettempdir(), f"imagenet-cp-compiled-{user}")
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        found = os.lstat(path)
        private = found.st_uid == user and not found.st_mode & 0o077
        if not stat.S_ISDIR(found.st_mode) or (os.name == "posix" and not private):
            raise PermissionError(f"{path} is not a private folder of this user") from None
    return path


@functools.cache
def _kernels_checksum() -> str:
    """Checksum of this package's sources: compiled functions inline those of other modules."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


class _TemporaryCacheLocator(_caching._SourceFileBackedLocatorMixin, _caching._CacheLocator):
    """Locates the cache in a temporary folder that no other user can write to."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        self._py_file = py_file
        self._lineno = py_func.__code__.co_firstlineno
        self._cache_path = os.path.join(_temporary_dir(), self.get_suitable_cache_subpath(py_file))

    def get_cache_path(self) -> str:
        return self._cache_path

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        locator = super().from_function(py_func, py_file)
        if locator is not None:
            notice(f"compiled code is cached in {os.path.dirname(locator._cache_path)}; {_ADVICE}")
        return locator


class _KernelCacheImpl(_caching.CompileResultCacheImpl):
    _locator_classes = (*_caching.CompileResultCacheImpl._locator_classes, _TemporaryCacheLocator)


class _KernelCache(_caching.FunctionCache):
    _impl_class = _KernelCacheImpl

    def __init__(self, py_func: Any) -> None:
        super().__init__(py_func)
        stamp = numba.__version__, _kernels_checksum(), self._impl.locator.get_source_stamp()
        self._cache_file = _CacheFiles(Path(self._cache_path), self._impl.filename_base, stamp)

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            notice(f"{self._cache_path}: {error.strerror}, so compiled code isn't cached; {_ADVICE}")


class _CacheFiles:
    """One file for each signature of a function, in place of numba's index and data files.

    A file holds a SHA-256 of the bytes that follow, then the stamp and the key for which its code was compiled. A
    corrupt or outdated file counts as missing, and is replaced when the function has been compiled again.
    """

    def __init__(self, folder: Path, name: str, stamp: Any) -> None:
        self._folder, self._name, self._stamp = folder, name, stamp

    def load(self, key: Any) -> Any:
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        checksum, content = data[:32], data[32:]
        if hashlib.sha256(content).digest() != checksum:
            return None
        stamp, pickled = pickle.loads(content)
        if stamp != (self._stamp, repr(key)):
            return None
        return pickle.loads(pickled)

    def save(self, key: Any, data: Any) -> None:
        content = pickle.dumps(((self._stamp, repr(key)), _dumps(data)))
        path = self._path(key)
        unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex[:16]}.tmp")
        try:
            unfinished.write_bytes(hashlib.sha256(content).digest() + content)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)

    def flush(self) -> None:
        for path in self._folder.glob(f"{self._name}.*.kernel"):
            path.unlink()

    def _path(self, key: Any) -> Path:
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return self._folder / f"{self._name}.{digest}.kernel"
