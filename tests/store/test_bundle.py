"""A run in one file: what comes out is what went in, and whatever else somebody made of the file is refused."""

import gzip
import io
import json
import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from pipeline_dsl.base import digest as digests
from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.digest import Hasher, digest_bytes, digest_file, digest_plain
from pipeline_dsl.base.fault import DigestMismatch, MissingArtifact, StoreFull, Usage
from pipeline_dsl.runner.original import original
from pipeline_dsl.runner.sources import project_sources, roots
from pipeline_dsl.store import archive, bundle
from pipeline_dsl.store.archive import Member
from pipeline_dsl.store.bundle import Bundle, Content, Held, index_of
from pipeline_dsl.store.log import Log
from pipeline_dsl.store.tree import Entry
from tests.runner.bench import DIAMOND, Bench

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


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    bench = Bench(tmp_path_factory.mktemp("packed"))
    assert bench.run(DIAMOND.format(seconds=0), jobs=2).fault is None
    found = content(bench)
    pack(found, bench.folder / "run.tar.gz")
    return Packed(bench, found, bench.folder / "run.tar.gz")


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
    return tarred([(_info(path, len(found)), found) for path, found in made], out)


def _info(path: str, size: int) -> tarfile.TarInfo:
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


# What comes out


@pytest.mark.parametrize("suffix", archive.SUFFIXES)
def test_what_is_unpacked_is_what_was_packed(packed: Packed, tmp_path: Path, suffix: str) -> None:
    index = pack(packed.content, tmp_path / f"run{suffix}")
    found = unpack(tmp_path / f"run{suffix}", tmp_path / "out")
    assert found.index == index
    assert found.manifest.read_bytes() == packed.content.written
    assert original(found.manifest, found.store).records == packed.content.records
    assert list(found.store.damage()) == []
    for record in packed.content.records.values():
        assert found.store.verify(record.output) == packed.bench.store.verify(record.output)


@pytest.mark.parametrize("suffix", archive.SUFFIXES)
def test_the_same_run_gives_the_same_bytes(packed: Packed, tmp_path: Path, suffix: str) -> None:
    for name in ("one", "other"):
        pack(content(packed.bench), tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"other{suffix}").read_bytes()


def test_the_bundle_is_a_plain_tar_of_files_that_belong_to_nobody_and_are_of_no_time(packed: Packed) -> None:
    infos = [info for info, _ in items(packed.file)]
    assert all(info.isreg() and (info.uid, info.gid, info.mtime, info.uname, info.mode) == (0, 0, 0, "", 0o644) for info in infos)
    assert [info.name for info in infos[1:]] == sorted(info.name for info in infos[1:])


def test_the_plan_that_is_packed_is_the_same_plan_without_the_machine_that_compiled_it(packed: Packed, tmp_path: Path) -> None:
    run = attrs.evolve(packed.content, plan=attrs.evolve(packed.content.plan, launchers={"slurm": {"settings": {"TOKEN": "geheim"}}}))
    pack(run, tmp_path / "run.tar.gz")
    found = unpack(tmp_path / "run.tar.gz", tmp_path / "out")
    plan = found.store.plan(packed.content.plan.digest)
    assert (plan.root, plan.launchers) == ("", {})
    assert plan.stages == packed.content.plan.stages
    assert b"geheim" not in gzip.decompress((tmp_path / "run.tar.gz").read_bytes())


def test_the_decision_log_goes_with_the_run_whole(packed: Packed, tmp_path: Path) -> None:
    log = Log(tmp_path / "decisions.jsonl")
    with log.held() as held:
        for number in range(3):
            held.append("export", {"number": number}, time="2026-01-01T00:00:00Z", by="ada")
    pack(attrs.evolve(packed.content, log=log.path.read_bytes()), tmp_path / "run.tar.gz")
    found = unpack(tmp_path / "run.tar.gz", tmp_path / "out")
    assert Log(found.store.layout.decisions).entries() == log.entries()


def test_only_inputs_leaves_out_what_was_made_of_them(packed: Packed, tmp_path: Path) -> None:
    pack(packed.content, tmp_path / "run.tar.gz", "inputs")
    found = unpack(tmp_path / "run.tar.gz", tmp_path / "out")
    root, join = (packed.content.records[name].output for name in ("01_step", "04_step"))
    assert found.store.verify(root)
    with pytest.raises(MissingArtifact):
        found.store.verify(join)
    assert found.store.tree(join) == packed.bench.store.tree(join)


def test_without_artifacts_there_are_none_of_their_files(packed: Packed, tmp_path: Path) -> None:
    index = pack(packed.content, tmp_path / "run.tar.gz", "none")
    assert not any(entry.path.startswith("blobs/") for entry in index.files)
    assert original(unpack(tmp_path / "run.tar.gz", tmp_path / "out").manifest, Bundle(index=index, folder=tmp_path / "out").store).records


def test_a_bundle_can_be_verified_without_keeping_the_artifacts(packed: Packed, tmp_path: Path) -> None:
    assert not (unpack(packed.file, tmp_path / "out", artifacts=False).store.layout.store / "blobs").exists()


def test_the_project_s_own_modules_are_in_it_and_what_they_import(tmp_path: Path) -> None:
    (tmp_path / "own" / "deep").mkdir(parents=True)
    (tmp_path / "own" / "__init__.py").write_text("")
    (tmp_path / "own" / "deep" / "parts.py").write_text(
        "from pipeline_dsl import *\nimport json, own.words\nfrom .. import more\nfrom ..deep import other as o\n"
        "class One(Stage[Corpus]):\n"
        "    def run(self, work):\n        from own.late import LATE\n        (work.output / 'a.jsonl').write_text(LATE)\n"
        "        return Corpus(documents=1, characters=1)\n"
    )
    for name in ("words", "more", "late", "unused"):
        (tmp_path / "own" / f"{name}.py").write_text("LATE = 'late'\n")
    (tmp_path / "own" / "deep" / "other.py").write_text("")
    bench = Bench(tmp_path)
    plan = bench.plan("from own.deep.parts import One\npipeline = Pipeline(name='p', targets=[One()])\n")
    assert bench.run(plan).fault is None
    names = set(content(bench).sources.files) - {"tests/runner/stages.py", f"{plan.module}.py"}
    assert names == {"own/__init__.py", *(f"own/{name}.py" for name in ("words", "more", "late")), "own/deep/parts.py", "own/deep/other.py"}
    assert f"{plan.module}.py" in content(bench).sources.files


def test_a_stage_type_whose_module_is_gone_is_said_to_be_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.plan("class Mine(Step):\n    pass\npipeline = Pipeline(name='p', targets=[Mine(label='x')])\n")
    assert bench.run(plan).fault is None
    (tmp_path / f"{plan.module}.py").unlink()
    with pytest.raises(Usage, match="nowhere to be found"):
        content(bench)


def test_an_artifact_that_was_changed_in_the_store_is_not_packed_and_nothing_is_left(packed: Packed, tmp_path: Path) -> None:
    shutil.copytree(packed.bench.folder / ".pdsl", tmp_path / ".pdsl")
    bench = Bench(tmp_path)
    blob = next(path for path in bench.store.files("blobs") if path.stat().st_size)
    blob.chmod(0o644)
    blob.write_bytes(bytes(blob.stat().st_size))
    with pytest.raises(DigestMismatch):
        pack(attrs.evolve(packed.content, store=bench.store), tmp_path / "run.tar.gz")
    assert [path.name for path in tmp_path.iterdir()] == [".pdsl"]


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


@settings(max_examples=60)
@given(data=st.binary(max_size=5000), cut=st.integers(1, 2000), shard=st.integers(1, 1500))
def test_bytes_in_pieces_have_the_digest_of_the_file_that_they_are(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int, shard: int
) -> None:
    file = tmp_path_factory.mktemp("h") / "f"
    file.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "SHARD", shard)
        hasher = Hasher(len(data))
        for start in range(0, len(data), cut):
            hasher.update(data[start : start + cut])
        assert hasher.digest() == digest_file(file)


# What is refused


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
    info = _info("index.json", 2**42)
    refused(gzipped(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096), tmp_path / "x.tar.gz"), tmp_path)


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
    refused(tarred([(_info("index.json", len(index)), index)], tmp_path / "x.tar.gz"), tmp_path)


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
    refused(tarred([(_info("index.json", len(index)), index)], tmp_path / "x.tar.gz"), tmp_path)


def test_members_in_another_order_are_refused(packed: Packed, tmp_path: Path) -> None:
    members = items(packed.file)
    refused(tarred([members[0], *reversed(members[1:])], tmp_path / "x.tar.gz"), tmp_path)


def test_a_tar_packed_anew_by_tar_itself_is_refused_where_it_says_anything_else(packed: Packed, tmp_path: Path) -> None:
    members = items(packed.file)
    members[1][0].uname = "root"
    refused(tarred(members, tmp_path / "x.tar.gz"), tmp_path)


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


def test_the_tar_that_tar_itself_reads_has_the_source_to_be_looked_at(packed: Packed) -> None:
    found = {info.name: data for info, data in items(packed.file)}
    assert any(name.startswith("source/") and b"class Step" in data for name, data in found.items())
