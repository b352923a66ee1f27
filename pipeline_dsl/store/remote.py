"""A bucket, or a folder that others reach too: whole files by their paths, and nothing of what is in them."""

import os
import re
import shutil
import uuid
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from pipeline_dsl.base.fault import BadFile, Fault, MissingLibrary, RemoteFailed, Usage
from pipeline_dsl.store.files import raise_if_full

BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
"""What can make a file only if it is not there, which two who push at once are told apart by."""

_SMALL = 2**24  # bytes: more than any manifest, tree or record has
_PARTS = 2  # of one file at a time, of 50 MiB each: s3fs holds them in memory
_HELP = "see that the bucket is there, and that your credentials may use it"
T = TypeVar("T")


class Remote:
    """A place by its URL, such as `s3://bucket/team` or a folder that is mounted on both sides.

    Credentials are the environment's, as its own tools read them (AWS_PROFILE, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS).
    """

    def __init__(self, url: str) -> None:
        scheme = url.partition("://")[0] if "://" in url else ""
        if not url or (scheme not in ("", "file", *BUCKETS)) or re.match(r"\w+:/[^/]", url) or (scheme in BUCKETS and "?" in url):
            raise Usage(f"{url!r:.200} is no bucket and no folder", help="name it as s3://bucket/folder, gs://, az://, or as a folder")
        try:
            core: Any = import_module("fsspec.core")
            self._fs, root = core.url_to_fs(url, **({"max_concurrency": _PARTS} if scheme.startswith("s3") else {}))
        except ImportError as error:
            help = "pip install 'pdsl[remote]' brings S3; `gcsfs` Google's, `adlfs` Azure's"
            raise MissingLibrary(f"{url}: {error}", help=help) from error
        except Exception as error:  # each kind of bucket has its own ways to refuse
            raise RemoteFailed(f"{url}: {str(error) or type(error).__name__}", help=_HELP) from error
        self.url = url
        self.folder = None if scheme in BUCKETS else Path(root)
        """The folder that it is, if it is one."""
        self._root = root.rstrip("/")
        if self.folder is None and not self._root.strip("/"):
            raise Usage(f"{url!r:.200} names no bucket", help="name it as s3://bucket/folder")

    def size(self, path: str) -> int | None:
        """A file's length in bytes; None if there is no such file."""
        try:
            found = self._asked(self._fs.info, self._at(path))
        except FileNotFoundError:
            return None
        return int(found["size"]) if found["type"] == "file" else None

    def read(self, path: str) -> bytes | None:
        """A small file's bytes; None if it is not there.

        Raises: BadFile if it is larger than any that is meant.
        """
        size = self.size(path)
        if size is None:
            return None
        if size > _SMALL:
            raise BadFile(f"`{path}` in {self.url} has {size} bytes, which nothing of its kind has")
        try:
            return self._asked(self._fs.cat_file, self._at(path))
        except FileNotFoundError:
            return None

    def write(self, path: str, data: bytes) -> None:
        """Write a small file in one step, over what is there."""
        if self.folder is None:
            self._put(self._fs.pipe_file, self._at(path), data)
        else:
            self._draft(path, lambda draft: draft.write_bytes(data), os.replace)

    def create(self, path: str, data: bytes) -> bool:
        """Write a small file that is not there yet, in one step; False if it is, whoever else writes at the same moment."""
        try:
            if self.folder is None:
                self._put(self._fs.pipe_file, self._at(path), data, mode="create")
            else:
                self._draft(path, lambda draft: draft.write_bytes(data), os.link)
        except FileExistsError:
            return False
        except RemoteFailed:  # some buckets say so by an error of their own
            self._fs.invalidate_cache()
            if self.size(path) is None:
                raise
            return False
        return True

    def send(self, file: Path, path: str) -> None:
        """Upload a file, which is there whole or not at all."""
        if self.folder is None:
            self._put(self._fs.put_file, str(file), self._at(path))
        else:
            self._draft(path, lambda draft: shutil.copyfile(file, draft), os.replace)

    def fetch(self, path: str, file: Path) -> None:
        """Download a file that is there."""
        self._asked(self._fs.get_file, self._at(path), str(file))

    def names(self, folder: str) -> list[str]:
        """The names in a folder, in their order; none where there is no such folder.

        Raises: RemoteFailed if there is no such bucket.
        """
        self._fs.invalidate_cache()
        try:
            found = self._asked(self._fs.ls, self._at(folder), detail=False)
        except FileNotFoundError:
            bucket = self._root.strip("/").partition("/")[0]
            if self.folder is None and not self._asked(self._fs.exists, bucket):
                raise RemoteFailed(f"{self.url}: there is no bucket `{bucket}`", help=_HELP) from None
            return []
        return sorted(name.rstrip("/").rpartition("/")[2] for name in found)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _draft(self, path: str, fill: Callable[[Path], object], settle: Callable[[Path, Path], object]) -> None:
        """Write a file of a folder under another name, which no other machine takes, and then give it its own."""
        place = Path(self._at(path))
        draft = place.with_name(f".{place.name}.{uuid.uuid4().hex}.tmp")
        self._put(os.makedirs, place.parent, exist_ok=True)
        try:
            self._put(fill, draft)
            self._put(settle, draft, place)
        finally:
            draft.unlink(missing_ok=True)

    def _put(self, call: Callable[..., object], *arguments: Any, **options: Any) -> None:
        """Write something; where that is not found, it is the place that is missing."""
        try:
            self._asked(call, *arguments, **options)
        except FileNotFoundError as error:
            raise RemoteFailed(f"{self.url}: {error}", help=_HELP) from error

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
            raise RemoteFailed(f"{self.url}: {str(error) or type(error).__name__}", help=_HELP) from error
