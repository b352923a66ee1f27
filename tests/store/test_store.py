"""One byte changed anywhere in the store is found, by whoever asks and before anybody uses it."""

import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline_dsl.base.fault import BadFile, DigestMismatch, MissingArtifact, StoreFull, UnsafePath
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store.keeping import collect, kept_by_runs
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.store import Store
from pipeline_dsl.store.tree import Entry, Tree, safe_path
from tests.runner.bench import DIAMOND, Bench, faults

Made = tuple[Bench, Plan]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Made:
    bench = Bench(tmp_path_factory.mktemp("original"))
    plan = bench.plan(DIAMOND.format(seconds=0))
    assert bench.run(plan, jobs=2).fault is None
    return bench, plan


@pytest.fixture
def made(original: Made, tmp_path: Path) -> Made:
    """A finished run in a folder of the test's own."""
    bench, plan = original
    shutil.copytree(bench.folder, tmp_path, dirs_exist_ok=True)
    return Bench(tmp_path), plan


def files(store: Store) -> list[Path]:
    return sorted(path for path in store.layout.store.rglob("*") if path.is_file())


def flip(file: Path, place: int) -> None:
    """Change one bit of a file, and put its times back."""
    before = file.stat()
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[place] ^= 1 << place % 8
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_an_untouched_store_is_whole(made: Made) -> None:
    assert list(made[0].store.damage()) == []


def test_one_flipped_bit_in_any_file_of_the_store_is_found(made: Made) -> None:
    store, chance = made[0].store, random.Random(1)
    victims = [file for file in files(store) if file.stat().st_size]
    assert {file.parents[1].name for file in victims} == {"blobs", "trees", "actions", "plans"}
    for file in victims:
        for place in {0, file.stat().st_size - 1, *(chance.randrange(file.stat().st_size) for _ in range(6))}:
            flip(file, place)
            assert [item.path for item in store.damage()] == [file], place
            flip(file, place)
    assert list(store.damage()) == []


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def lengthen(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"\n")


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("harm", [truncate, empty, lengthen, replace_by_folder])
def test_a_file_cut_short_or_made_longer_is_found(made: Made, harm: Callable[[Path], None]) -> None:
    store = made[0].store
    for folder in ("blobs", "trees", "actions", "plans"):
        file = next(file for file in files(store) if file.parents[1].name == folder and file.stat().st_size)
        file.chmod(0o644)
        kept = file.read_bytes()
        harm(file)
        assert file in [item.path for item in store.damage()]
        if file.is_dir():
            file.rmdir()
        file.write_bytes(kept)


@pytest.mark.parametrize("folder", ["blobs", "trees", "actions", "plans"])
def test_two_files_that_changed_places_are_found(made: Made, folder: str) -> None:
    store = made[0].store
    found = [file for file in files(store) if file.parents[1].name == folder]
    first, second = found[0], found[-1]
    if first == second:  # the one plan goes to another name
        second = first.with_name("0" * 62)
        first.rename(second)
        assert [item.path for item in store.damage()] == [second]
        return
    first.rename(first.with_suffix(".x"))
    second.rename(first)
    first.with_suffix(".x").rename(second)
    assert {first, second} <= {item.path for item in store.damage()}


@pytest.mark.parametrize("folder", ["blobs", "trees"])
def test_a_file_that_is_gone_is_found(made: Made, folder: str) -> None:
    store = made[0].store
    for file in [file for file in files(store) if file.parents[1].name == folder]:
        kept = file.read_bytes()
        file.unlink()
        assert list(store.damage())
        file.write_bytes(kept)


def blobs_of(bench: Bench, name: str) -> Iterator[tuple[Entry, Path]]:
    record = next(record for record in bench.store.records() if record.fields["label"] == name)
    for entry in bench.store.tree(record.output).files:
        yield entry, bench.store.blob(entry)


@pytest.mark.parametrize("harm", ["flip", "truncate", "swap", "delete"])
def test_the_stage_that_would_read_a_damaged_blob_refuses_and_names_it(made: Made, harm: str) -> None:
    bench, plan = made
    for record in list(bench.store.records()):  # `join` is to run again, and reads `left` and `right`
        if record.fields["label"] in ("join", "last"):
            next(file for file in files(bench.store) if bench.store.named(file) == record.key).unlink()
    entry, blob = next((entry, blob) for entry, blob in blobs_of(bench, "right") if entry.size)
    _, other = next((entry, blob) for entry, blob in blobs_of(bench, "left") if entry.size)
    if harm == "flip":
        flip(blob, entry.size // 2)
    elif harm == "truncate":
        truncate(blob)
    elif harm == "swap":
        shutil.move(blob, blob.with_suffix(".x"))
        shutil.copy2(other, blob)
    else:
        blob.unlink()
    notes = bench.notes()
    (bench.folder / "plan.json").write_text((bench.store.layout.runs / os.listdir(bench.store.layout.runs)[0] / "plan.json").read_text())
    ended = bench.pdsl("stage", "run", "04_step", "--plan", "plan.json")
    assert (ended.returncode, faults(ended.stderr)) == (4, ["PDSL402" if harm == "delete" else "PDSL401"])
    assert f"`{entry.path}` of" in ended.stderr
    assert bench.notes() == notes
    with pytest.raises((DigestMismatch, MissingArtifact), match=entry.path):
        bench.run(plan)
    assert bench.notes() == notes


def test_a_damaged_store_is_mended_by_removing_what_is_damaged_and_running_again(made: Made) -> None:
    bench, plan = made
    _, blob = next((entry, blob) for entry, blob in blobs_of(bench, "left") if entry.size)
    flip(blob, 3)
    collect(bench.store, kept_by_runs(bench.store), damaged=True, dry_run=False)
    assert list(bench.store.damage()) == []
    assert bench.run(plan).ran == 1
    assert list(bench.store.damage()) == []


def test_files_of_writers_that_were_killed_go_after_a_day(made: Made) -> None:
    bench, _ = made
    old, fresh = (bench.store.layout.root / f".{name}.1.tmp" for name in ("old", "fresh"))
    old.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(old, (1, 1))

    collect(bench.store, kept_by_runs(bench.store), damaged=False, dry_run=False)

    assert (old.exists(), fresh.exists()) == (False, True)


def test_adding_an_artifact_again_mends_a_damaged_tree_and_a_damaged_plan(made: Made) -> None:
    bench, plan = made
    record = next(iter(bench.store.records()))
    tree = bench.store.tree(record.output)
    folder = bench.folder / "again"
    for entry in tree.files:
        (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(bench.store.blob(entry), folder / entry.path)
    flip(bench.store.tree_file(record.output), 5)
    flip(next(file for file in files(bench.store) if file.parents[1].name == "plans"), 50)
    assert bench.store.add(folder, kind=tree.kind, meta=tree.meta, scores=tree.scores) == record.output
    bench.store.keep_plan(plan)
    assert list(bench.store.damage()) == []


heeding: list[list[str]] = []
"""Where it is noted what this process opens, while somebody wants to know: an audit hook cannot be removed."""


def heed(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and heeding and "/blobs/" in str(arguments[0]):
        heeding[0].append(str(arguments[0]))


sys.addaudithook(heed)  # hears every open of this process, by whichever function


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The blobs that are opened during a test."""
    heeding.append([])
    yield heeding[0]
    heeding.clear()


def test_a_cached_run_opens_no_blob_but_one_that_was_touched(made: Made, opened: list[str]) -> None:
    bench, plan = made
    assert bench.run(plan).ran == 0  # the copy has other inodes, which are read once
    assert opened
    opened.clear()
    assert bench.run(plan).ran == 0
    assert opened == []
    touched = next(blob for _, blob in blobs_of(bench, "root"))
    os.utime(touched)
    assert bench.run(plan).ran == 0
    assert opened == [str(touched)]


@pytest.mark.parametrize("harm", ["flip", "swap"])
def test_a_cached_run_notices_a_changed_blob_though_its_time_was_put_back(made: Made, harm: str) -> None:
    bench, plan = made
    assert bench.run(plan).ran == 0
    (_, first), (_, second) = ((entry, blob) for entry, blob in list(blobs_of(bench, "last"))[::2])
    if harm == "flip":
        flip(first, 0)
    else:
        for source, target in ((first, first.with_suffix(".x")), (second, first), (first.with_suffix(".x"), second)):
            source.rename(target)
    with pytest.raises(DigestMismatch, match="is corrupt"):
        bench.run(plan)


def test_a_clock_that_jumped_changes_nothing(made: Made) -> None:
    bench, plan = made
    for when in (0, 4_000_000_000):
        for file in bench.store.layout.root.rglob("*"):
            os.utime(file, (when, when))
        assert bench.run(plan).ran == 0
    assert bench.notes().count("start last") == 1


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"sha256:00": 3}', b"null"])
def test_a_damaged_stat_cache_costs_a_second_look_and_nothing_else(made: Made, content: bytes) -> None:
    bench, plan = made
    for file in bench.store.layout.stats.iterdir():
        file.write_bytes(content)
    assert bench.run(plan).ran == 0


def test_what_a_killed_write_left_half_done_is_no_damage(made: Made) -> None:
    store = made[0].store
    file = files(store)[0]
    file.with_name(f".{file.name}.123.tmp").write_bytes(b"half")
    assert list(store.damage()) == []


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", ".", "a//b", "a/", "..", "a\\..\\x", "a\0b"])
def test_a_path_that_leaves_an_artifact_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(UnsafePath):
        safe_path(path)
    store = Store(Layout(tmp_path))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("x")
    good = store.tree(store.add(tmp_path / "in", kind="corpus", meta={}, scores={}))
    bad = Tree(kind="corpus", files=(Entry(path, 1, good.files[0].digest),), meta={}, scores={})
    file = store.tree_file(bad.digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bad.spelled())
    with pytest.raises(UnsafePath):
        store.tree(bad.digest)
    with pytest.raises(UnsafePath):
        store.verify(bad.digest)
    with pytest.raises(UnsafePath):
        store.open_folder(bad.digest, tmp_path / "out")
    assert [item.path for item in store.damage()] == [file]


@pytest.mark.parametrize(
    "digest", ["sha256:" + "0" * 63, "sha256:../" + "0" * 61, "../x:" + "0" * 64, "md5:" + "0" * 64, "", "sha256:" + "A" * 64]
)
def test_what_is_no_digest_names_no_file(tmp_path: Path, digest: str) -> None:
    with pytest.raises(BadFile):
        Store(Layout(tmp_path)).tree(digest)


def test_a_forged_record_that_says_another_recipe_is_refused(made: Made) -> None:
    import attrs

    from pipeline_dsl.store import record as records

    store = made[0].store
    record = next(iter(store.records()))
    forged = attrs.evolve(record, fields={**record.fields, "label": "another"})
    store.finish(forged)
    assert records.parse(records.dump(forged), where="here") == forged
    with pytest.raises(DigestMismatch, match="records another action"):
        store.record(record.key)


def test_a_file_that_other_names_share_is_taken_as_a_copy(tmp_path: Path) -> None:
    store = Store(Layout(tmp_path / "store"))
    (tmp_path / "in").mkdir()
    (tmp_path / "mine").write_text("mine")
    os.link(tmp_path / "mine", tmp_path / "in" / "file")
    digest = store.add(tmp_path / "in", kind="corpus", meta={}, scores={})
    (tmp_path / "mine").write_text("changed")
    store.verify(digest)


def test_a_store_that_cannot_grow_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    store = Store(Layout(tmp_path / "store"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("x")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull):
        store.add(tmp_path / "in", kind="corpus", meta={}, scores={})
    assert list(store.damage()) == []
