"""A finished run and its bundle, and bundles that somebody made by hand."""

import gzip
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.digest import digest_bytes, digest_plain
from pipeline_dsl.base.fault import DigestMismatch
from pipeline_dsl.runner.original import original
from pipeline_dsl.runner.sources import project_sources, roots
from pipeline_dsl.store import archive, bundle
from pipeline_dsl.store.bundle import Bundle, Content, Held, index_of
from tests.runner.bench import Bench

Item = tuple[tarfile.TarInfo, bytes]


@attrs.frozen
class Packed:
    """A finished run, and its bundle."""

    bench: Bench
    content: Content
    file: Path


def content(bench: Bench) -> Content:
    (path,) = bench.folder.glob(".pdsl/runs/*/manifest.yaml")
    run = original(path, bench.store)
    sources = project_sources(run.plan, roots(run.plan.root))
    return Content(manifest=run.manifest, written=path.read_bytes(), plan=run.plan, records=run.records, store=run.store, sources=sources)


def pack(content: Content, out: Path, held: Held = "all") -> bundle.Index:
    index, members = index_of(content, held, "0.1.0")
    archive.write(out, index.spelled(), members, silent)
    return index


def silent(more: int) -> None:
    """Nobody watches."""


def unpack(file: Path, folder: Path, **options: Any) -> Bundle:
    folder.mkdir()
    return bundle.read(file, folder, silent, **options)


def items(file: Path) -> list[Item]:
    with tarfile.open(file) as tar:
        return [(info, tar.extractfile(info).read()) for info in tar.getmembers()]  # type: ignore[union-attr]


def gzipped(tar: bytes, out: Path) -> Path:
    with out.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as stream:
        stream.write(tar)
    return out


def tarred(members: list[Item], out: Path) -> Path:
    """An archive of any members, packed as ours are."""
    parts = [
        info.tobuf(tarfile.USTAR_FORMAT if info.size < 8**11 and info.type != tarfile.GNUTYPE_LONGNAME else tarfile.GNU_FORMAT)
        + data
        + bytes(-len(data) % 512)
        for info, data in members
    ]
    return gzipped(b"".join(parts) + bytes(1024), out)


def forged(packed: Packed, out: Path, change: Callable[[dict[str, Any]], None], add: dict[str, bytes] | None = None) -> Path:
    """A bundle by somebody who can count: its index fits its members, and names its own digest."""
    members = items(packed.file)
    data = {info.name: data for info, data in members[1:]} | (add or {})
    body = json.loads(members[0][1])["index"]
    body["files"] += [{"path": path, "size": len(extra), "digest": digest_bytes(extra)} for path, extra in (add or {}).items()]
    change(body)
    files: list[dict[str, Any]] = body["files"]
    files.sort(key=lambda entry: str(entry["path"]).encode("utf-8", "surrogatepass"))
    index = spell({"digest": digest_plain(body), "index": body})
    made = [("index.json", index), *((entry["path"], data.get(entry["path"], b"")) for entry in body["files"])]
    return tarred([(member(path, len(found)), found) for path, found in made], out)


def member(path: str, size: int) -> tarfile.TarInfo:
    """The header of a plain file."""
    info = tarfile.TarInfo(path)
    info.size = size
    return info


def refused(file: Path, tmp_path: Path) -> str:
    """What is said of a file that is refused; whatever it did, it did inside its folder."""
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    with pytest.raises(DigestMismatch) as raised:
        bundle.read(file, folder, silent)
    assert list((tmp_path / "outer").iterdir()) == [folder]
    assert not any(path.is_symlink() or not (path.is_dir() or path.is_file()) for path in folder.rglob("*"))
    return raised.value.message
