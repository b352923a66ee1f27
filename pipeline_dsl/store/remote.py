"""A bucket, or any other place that fsspec reaches: whole files by their paths, and nothing of what is in them."""

import os
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from pipeline_dsl.base.fault import BadFile, Fault, MissingLibrary, RemoteFailed, Usage
from pipeline_dsl.store.files import raise_if_full, write_atomically

_SMALL = 2**24  # bytes: more than any manifest, tree or record has
T = TypeVar("T")


class Remote:
    """A place by its URL, such as `s3://bucket/team` or a folder that is mounted on both sides.

    Credentials are the environment's, as its own tools read them (AWS_PROFILE, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS).
    """

    def __init__(self, url: str) -> None:
        core: Any = import_module("fsspec.core")
        try:
            self._fs, root = core.url_to_fs(url)
        except ImportError as error:
            raise MissingLibrary(
                f"{url}: {error}", help="pip install 'pdsl[remote]' brings S3; `gcsfs` Google's, `adlfs` Azure's"
            ) from error
        except ValueError as error:
            raise Usage(
                f"{url!r:.200} is no place that fsspec knows: {error}", help="name it as s3://bucket/folder, or as a folder"
            ) from error
        self.url = url
        self._root = root.rstrip("/")
        self._plain = isinstance(self._fs, import_module("fsspec.implementations.local").LocalFileSystem)

    def size(self, path: str) -> int | None:
        """A file's length in bytes; None if it is not there."""
        try:
            return int(self._asked(self._fs.info, f"{self._root}/{path}")["size"])
        except FileNotFoundError:
            return None

    def read(self, path: str) -> bytes | None:
        """A small file's bytes; None if it is not there.

        Raises: BadFile if it is larger than any that is meant.
        """
        size = self.size(path)
        if size is None:
            return None
        if size > _SMALL:
            raise BadFile(f"`{path}` in {self.url} has {size} bytes, which nothing of its kind has")
        return self._asked(self._fs.cat_file, f"{self._root}/{path}")

    def write(self, path: str, data: bytes) -> None:
        """Write a small file in one step, over what is there."""
        place = f"{self._root}/{path}"
        if self._plain:
            write_atomically(Path(place), data)
        else:
            self._asked(self._fs.pipe_file, place, data)

    def create(self, path: str, data: bytes) -> bool:
        """Write a small file that is not there yet, in one step; False if it is, whoever else writes at the same moment."""
        place = f"{self._root}/{path}"
        try:
            if self._plain:
                draft = _draft(place)
                write_atomically(draft, data)
                try:
                    self._asked(os.link, draft, place)
                finally:
                    draft.unlink()
            else:
                self._asked(self._fs.pipe_file, place, data, mode="create")
        except FileExistsError:
            return False
        except RemoteFailed:  # some buckets say so by an error of their own
            if self.size(path) is None:
                raise
            return False
        return True

    def send(self, file: Path, path: str) -> None:
        """Upload a file, which is there whole or not at all."""
        place = f"{self._root}/{path}"
        if not self._plain:
            self._asked(self._fs.put_file, str(file), place)
            return
        draft = _draft(place)
        draft.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._asked(shutil.copyfile, file, draft)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)

    def fetch(self, path: str, file: Path) -> None:
        """Download a file."""
        self._asked(self._fs.get_file, f"{self._root}/{path}", str(file))

    def names(self, folder: str) -> list[str]:
        """The names in a folder, in their order; none where there is no such folder."""
        try:
            found = self._asked(self._fs.ls, f"{self._root}/{folder}", detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(name.rstrip("/").rpartition("/")[2] for name in found)

    def _asked(self, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """The answer of a file system, whose own errors are told apart from ours.

        Raises: FileNotFoundError; FileExistsError; RemoteFailed for everything else.
        """
        try:
            return call(*arguments, **options)
        except (FileNotFoundError, FileExistsError, Fault):
            raise
        except Exception as error:  # each kind of bucket has its own ways to refuse
            if isinstance(error, OSError):
                raise_if_full(error, Path(next(str(place) for place in reversed(arguments) if isinstance(place, str | Path))))
            said = str(error) or type(error).__name__
            raise RemoteFailed(f"{self.url}: {said}", help="see that the bucket is there and that your credentials may use it") from error


def _draft(place: str) -> Path:
    return Path(place).with_name(f".{Path(place).name}.{os.getpid()}.tmp")
