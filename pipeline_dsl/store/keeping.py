"""What of a store is still needed, and removing the rest."""

import shutil
import time
from pathlib import Path

import attrs

from pipeline_dsl.base.fault import Fault
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.aside import records_aside
from pipeline_dsl.store.record import Record
from pipeline_dsl.store.store import Store

_DAY = 86_400


@attrs.frozen
class Removal:
    """Files that went, or would go, and their bytes."""

    files: int
    size: int


def kept_by_runs(store: Store) -> set[str]:
    """The action keys that a run's manifest names.

    Raises: BadFile if a manifest cannot be read: what it names must not be lost for that.
    """
    return {entry.action for path in store.layout.runs.glob("*/manifest.yaml") for entry in manifests.read(path).stages.values()}


def collect(store: Store, keep: set[str], *, damaged: bool, dry_run: bool, aside: bool = False) -> Removal:
    """Remove the records that are not in `keep`, then every artifact and blob that no record names.

    With `damaged`, a file that is not what its digest says goes first, and so do the records that need it. Records go before bytes,
    so that a crash half-way leaves no record without its artifact. What rollbacks set aside stays, with its artifacts, so that it
    can be put back; unless `aside` says that it never will.
    Raises: DigestMismatch if a record or a tree is damaged and `damaged` is not given.
    """
    doomed: list[Path] = []
    if damaged:
        doomed += [item.path for item in store.damage()]
    broken = set(doomed)
    trees: set[Path] = set()
    blobs: set[Path] = set()
    for path in store.files("actions"):
        if path in broken:
            continue
        record = store.record(store.named(path))
        needs = _needs(store, record) if record else None
        if store.named(path) not in keep or needs is None or not broken.isdisjoint(needs):
            doomed.append(path)
            continue
        trees.add(needs[0])
        blobs.update(needs[1:])
    if aside:
        doomed += [path for path in store.layout.aside.rglob("*") if path.is_file()]
    else:
        for needs in filter(None, (_needs(store, record) for record in records_aside(store))):
            trees.add(needs[0])
            blobs.update(needs[1:])
    doomed += [path for path in store.files("trees") if path not in trees and path not in broken]
    doomed += [path for path in store.files("blobs") if path not in blobs and path not in broken]
    doomed += [path for path in store.files("plans") if not _has_run(store, path) and path not in broken]
    size = sum(path.stat().st_size for path in doomed)
    if not dry_run:
        for path in doomed:
            path.unlink()
        _sweep(store)
        if aside:
            shutil.rmtree(store.layout.aside, ignore_errors=True)  # the folders, now empty
    return Removal(len(doomed), size)


def _needs(store: Store, record: Record) -> list[Path] | None:
    """The tree and the blobs of a record; None if they are not there."""
    try:
        tree = store.tree(record.output)
    except Fault:  # gone or damaged: the record is of no use without it
        return None
    return [store.tree_file(record.output), *(store.blob(entry) for entry in tree.files)]


def _has_run(store: Store, path: Path) -> bool:
    digest = store.named(path).partition(":")[2]
    return any(store.layout.runs.glob(f"*-{digest[:12]}"))


def _sweep(store: Store) -> None:
    """Remove what is left outside of the store: stat caches of artifacts that are gone, folders of finished stages, and
    files whose writer was killed before it could rename them; a day is more than any write takes."""
    for path in store.layout.root.rglob(".*.tmp"):
        if time.time() - path.stat().st_mtime > _DAY:
            path.unlink(missing_ok=True)
    if store.layout.stats.exists():
        for path in store.layout.stats.iterdir():
            if not store.tree_file(f"sha256:{path.name}").exists():
                path.unlink()
    for path in store.layout.root.glob("work/*"):
        if store.record(f"sha256:{path.name}") is not None:
            shutil.rmtree(path, ignore_errors=True)
