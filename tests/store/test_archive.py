"""The file that a bundle is: one spelling, written whole or not at all, and whatever else somebody made of it is refused."""

import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest

from pipeline_dsl.base.digest import digest_bytes
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.store import archive
from pipeline_dsl.store.archive import Member
from pipeline_dsl.store.bundle import index_of
from pipeline_dsl.store.tree import Entry
from tests.store.packed import Packed, gzipped, items, member, pack, refused, silent, tarred


def test_the_bundle_is_a_plain_tar_of_files_that_belong_to_nobody_and_are_of_no_time(packed: Packed) -> None:
    infos = [info for info, _ in items(packed.file)]
    assert all(info.isreg() and (info.uid, info.gid, info.mtime, info.uname, info.mode) == (0, 0, 0, "", 0o644) for info in infos)
    assert [info.name for info in infos[1:]] == sorted(info.name for info in infos[1:])


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_whatever_ends_the_writing_leaves_no_half_file_and_the_old_one_as_it_was(
    packed: Packed, tmp_path: Path, stop: type[BaseException]
) -> None:
    out = tmp_path / "run.tar.gz"
    out.write_text("old")
    index, members = index_of(packed.content, "all", "0.1.0")

    def told(more: int) -> None:
        raise stop

    with pytest.raises(stop):
        archive.write(out, index.spelled(), members, told)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("run.tar.gz", "old")]


def test_a_path_too_long_for_the_format_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="shorten"):
        archive.write(tmp_path / "a.tar.gz", b"{}", [Member(Entry("x" * 300, 0, digest_bytes(b"")), b"")], silent)


@pytest.mark.parametrize("part", ["header", "data"])
def test_a_flipped_byte_in_any_member_is_refused(packed: Packed, tmp_path: Path, part: str) -> None:
    tar, place, chance = bytearray(gzip.decompress(packed.file.read_bytes())), 0, random.Random(3)
    for number, (_, data) in enumerate(items(packed.file)):
        inside = chance.randrange(512) if part == "header" else 512 + chance.randrange(max(len(data), 1))
        if part == "header" or data:
            changed = bytearray(tar)
            changed[place + inside] ^= 1 << chance.randrange(8)
            (tmp_path / str(number)).mkdir()
            refused(gzipped(bytes(changed), tmp_path / "x.tar.gz"), tmp_path / str(number))
        place += 512 + len(data) + -len(data) % 512


@pytest.mark.parametrize("suffix", archive.SUFFIXES)
def test_a_file_that_is_cut_short_anywhere_is_refused(packed: Packed, tmp_path: Path, suffix: str) -> None:
    pack(packed.content, tmp_path / f"run{suffix}")
    whole = (tmp_path / f"run{suffix}").read_bytes()
    for number, size in enumerate([0, 3, 9, 12, 100, len(whole) // 2, len(whole) - 300, len(whole) - 9, len(whole) - 1]):
        (tmp_path / f"cut{suffix}").write_bytes(whole[:size])
        (tmp_path / str(number)).mkdir()
        refused(tmp_path / f"cut{suffix}", tmp_path / str(number))


def test_a_tar_that_ends_after_any_member_is_refused(packed: Packed, tmp_path: Path) -> None:
    members = items(packed.file)
    for length in (0, 1, 2, len(members) - 1):
        (tmp_path / str(length)).mkdir()
        refused(tarred(members[:length], tmp_path / "x.tar.gz"), tmp_path / str(length))


@pytest.mark.parametrize("suffix", archive.SUFFIXES)
def test_bytes_behind_the_end_are_refused(packed: Packed, tmp_path: Path, suffix: str) -> None:
    pack(packed.content, tmp_path / f"run{suffix}")
    with (tmp_path / f"run{suffix}").open("ab") as stream:
        stream.write(b"more")
    refused(tmp_path / f"run{suffix}", tmp_path)


LINKS = {"a link": tarfile.SYMTYPE, "a hard link": tarfile.LNKTYPE, "a device": tarfile.CHRTYPE, "a pipe": tarfile.FIFOTYPE}


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("where", ["instead", "before", "behind"])
def test_a_member_that_is_no_file_is_refused(packed: Packed, tmp_path: Path, kind: str, where: str) -> None:
    members = items(packed.file)
    info = tarfile.TarInfo("manifest.yaml")
    info.type, info.linkname = LINKS[kind], "/etc/passwd"
    at = next(number for number, (found, _) in enumerate(members) if found.name == "manifest.yaml")
    members[at : at + (where == "instead")] = [(info, b"")]
    if where == "behind":
        members = [*items(packed.file), (info, b"")]
    assert where == "behind" or kind in refused(tarred(members, tmp_path / "x.tar.gz"), tmp_path)


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.DIRTYPE,
        tarfile.CONTTYPE,
        tarfile.AREGTYPE,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_SPARSE,
    ],
)
def test_a_member_of_any_other_kind_is_refused(packed: Packed, tmp_path: Path, kind: bytes) -> None:
    members = items(packed.file)
    members[2][0].type = kind
    refused(tarred(members, tmp_path / "x.tar.gz"), tmp_path)


def test_an_index_that_claims_terabytes_for_a_header_of_another_format_is_refused_unread(packed: Packed, tmp_path: Path) -> None:
    info = member("index.json", 2**42)
    refused(gzipped(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096), tmp_path / "x.tar.gz"), tmp_path)


def test_members_in_another_order_are_refused(packed: Packed, tmp_path: Path) -> None:
    members = items(packed.file)
    refused(tarred([members[0], *reversed(members[1:])], tmp_path / "x.tar.gz"), tmp_path)


def test_a_tar_packed_anew_by_tar_itself_is_refused_where_it_says_anything_else(packed: Packed, tmp_path: Path) -> None:
    members = items(packed.file)
    members[1][0].uname = "root"
    refused(tarred(members, tmp_path / "x.tar.gz"), tmp_path)


@pytest.mark.parametrize(
    "data", [b"", b"manifest_version: 1\n", b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd" + bytes(100)]
)
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    refused(tmp_path / "x", tmp_path)


def test_a_gzip_with_a_name_or_a_time_in_it_is_none_of_ours(packed: Packed, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with gzip.GzipFile(filename="secret-project.tar", mode="wb", fileobj=stream) as writer:
        writer.write(gzip.decompress(packed.file.read_bytes()))
    (tmp_path / "x.tar.gz").write_bytes(stream.getvalue())
    refused(tmp_path / "x.tar.gz", tmp_path)
