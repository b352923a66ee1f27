"""A bundle by somebody who can count, whose index, paths or records lie, is refused, and did nothing outside of its folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.digest import digest_bytes, digest_file, digest_plain
from pipeline_dsl.base.fault import StoreFull, Usage
from pipeline_dsl.store import archive, bundle
from pipeline_dsl.store.archive import Member
from pipeline_dsl.store.tree import Entry
from tests.store.packed import Packed, forged, items, member, refused, silent, tarred, unpack

NAMES = [
    "../evil",
    "/etc/evil",
    "a/../../evil",
    "source/../../evil.py",
    "source//evil.py",
    "source/a/./b.py",
    "source/.evil.py",
    "source/evil",
    "source/a b.py",
    "source/a\\b.py",
    "source/a\0b.py",
    "source/-x.py",
    "source/a.b/c.py",
    "source/con\n.py",
    "evil.py",
    "index.json",
    "blobs/sha256/../../../evil",
    "blobs/sha256/" + "a" * 64,
    "blobs/md5/" + "a" * 32,
    "blobs/sha256",
    "trees/" + "a" * 64 + ".json",
    "trees/../evil.json",
    "records/" + "A" * 64 + ".json",
    "records/" + "a" * 64,
    "manifest.yaml/x",
    "decisions.jsonl/x",
    "manifest.yam\u0131",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_that_is_no_part_of_a_bundle_is_refused(packed: Packed, tmp_path: Path, name: str) -> None:
    refused(forged(packed, tmp_path / "x.tar.gz", lambda body: None, {name: b"import os\n"}), tmp_path)


TREES: list[Any] = [
    {"kind": "corpus", "files": [{"path": "../../evil", "size": 0, "digest": "sha256:" + "0" * 64}], "meta": {}, "scores": {}},
    {"kind": "corpus", "files": [{"path": "/evil", "size": 0, "digest": "sha256:" + "0" * 64}], "meta": {}, "scores": {}},
    {"kind": "corpus"},
    [],
    None,
]


@pytest.mark.parametrize("data", [*(spell(tree) for tree in TREES), b"", b"{", b"\xff", b"[" * 100_000])
def test_an_artifact_s_own_list_of_files_that_leads_out_of_it_or_is_none_is_refused(packed: Packed, tmp_path: Path, data: bytes) -> None:
    name = f"trees/{digest_bytes(data).removeprefix('sha256:')}.json"
    refused(forged(packed, tmp_path / "x.tar.gz", lambda body: None, {name: data}), tmp_path)


@pytest.mark.parametrize("data", [b"{}", b"", b"[" * 100_000, b'{"digest": "x", "record": {}}'])
def test_a_record_that_is_none_is_refused(packed: Packed, tmp_path: Path, data: bytes) -> None:
    refused(forged(packed, tmp_path / "x.tar.gz", lambda body: None, {f"records/{'a' * 64}.json": data}), tmp_path)


def test_a_path_of_a_thousand_folders_is_refused(packed: Packed, tmp_path: Path) -> None:
    index = forged_index(packed, "source/" + "a/" * 400 + "b.py")
    refused(tarred([(member("index.json", len(index)), index)], tmp_path / "x.tar.gz"), tmp_path)


def forged_index(packed: Packed, path: str) -> bytes:
    """An index with one more file, which no header can name."""
    body = json.loads(items(packed.file)[0][1])["index"]
    body["files"] = [{"path": path, "size": 0, "digest": digest_bytes(b"")}]
    return spell({"digest": digest_plain(body), "index": body})


def test_a_forged_bundle_without_a_lie_is_read(packed: Packed, tmp_path: Path) -> None:
    """What the tests beside this one change is what they are refused for."""
    assert unpack(forged(packed, tmp_path / "x.tar.gz", lambda body: None, {"source/own.py": b"A = 1\n"}), tmp_path / "out").index


def _entry(body: dict[str, Any], path: str = "manifest.yaml") -> dict[str, Any]:
    return next(entry for entry in body["files"] if entry["path"] == path)


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "a size one too large": lambda body: _entry(body).update(size=_entry(body)["size"] + 1),
    "a size one too small": lambda body: _entry(body).update(size=_entry(body)["size"] - 1),
    "a size below nothing": lambda body: _entry(body).update(size=-1),
    "a size of true": lambda body: _entry(body).update(size=True),
    "a size in words": lambda body: _entry(body).update(size="many"),
    "a size of nothing": lambda body: _entry(body).update(size=0),
    "another digest": lambda body: _entry(body).update(digest="sha256:" + "0" * 64),
    "a digest of no kind": lambda body: _entry(body).update(digest="md5:" + "0" * 32),
    "terabytes": lambda body: _entry(body, body["files"][0]["path"]).update(size=2**42),
    "more than any disk": lambda body: _entry(body).update(size=2**200),
    "a member twice": lambda body: body["files"].append(dict(_entry(body))),
    "a member that is not there": lambda body: body["files"].remove(_entry(body)),
    "no members": lambda body: body["files"].clear(),
    "another plan": lambda body: body.update(plan="sha256:" + "0" * 64),
    "an unknown key": lambda body: body.update(run="rm"),
    "a list for a mapping": lambda body: body.update(source=[]),
    "files as a word": lambda body: body.update(files=[]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_index_that_lies_is_refused(packed: Packed, tmp_path: Path, what: str) -> None:
    refused(forged(packed, tmp_path / "x.tar.gz", CHANGES[what]), tmp_path)


def test_a_bundle_of_a_later_format_is_said_to_be_one(packed: Packed, tmp_path: Path) -> None:
    file = forged(packed, tmp_path / "x.tar.gz", lambda body: body.update(schema=99))
    with pytest.raises(Usage, match="format 99"):
        unpack(file, tmp_path / "out")


@pytest.mark.parametrize(
    "index", [b"", b"{}", b"null", b"[" * 100_000, b'{"index": {"schema": 1}}', b"\xff", b'{"digest": "x", "index": []}']
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, index: bytes) -> None:
    refused(tarred([(member("index.json", len(index)), index)], tmp_path / "x.tar.gz"), tmp_path)


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_before_it_does(tmp_path: Path) -> None:
    """A bomb: its index is true, and what it asks for is out of all proportion."""
    zeros = tmp_path / "zeros"
    with zeros.open("wb") as stream:
        stream.truncate(2**28)
    entry = Entry("blobs/" + digest_file(zeros).replace(":", "/"), 2**28, digest_file(zeros))
    index = bundle.Index(
        pdsl="0", pipeline="p", plan="x", module="", artifacts="all", libraries={}, distributions={}, source={}, files=(entry,)
    )
    archive.write(tmp_path / "bomb.tar.zst", index.spelled(), [Member(entry, zeros)], silent)
    assert (tmp_path / "bomb.tar.zst").stat().st_size < 2**16
    assert "no run's do" in refused(tmp_path / "bomb.tar.zst", tmp_path)


def test_a_bundle_that_does_not_fit_on_the_disk_is_said_not_to(packed: Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path) -> Any:
        return shutil._ntuple_diskusage(100, 90, 10)  # pyright: ignore

    monkeypatch.setattr("shutil.disk_usage", full)
    with pytest.raises(StoreFull, match="room for 10"):
        unpack(packed.file, tmp_path / "out")
