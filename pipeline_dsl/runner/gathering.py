"""The manifest of a plan whose stages a cluster ran, one by one, with no runner to watch them."""

from pathlib import Path

from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.history import manifest_of
from pipeline_dsl.runner.machine import author, git_commit
from pipeline_dsl.runner.resolve import resolve
from pipeline_dsl.runner.run import run_folder
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.files import write_atomically
from pipeline_dsl.store.store import Store


def gather(plan: Plan, store: Store) -> tuple[Path, bool]:
    """Write what the store has records of; returns where, and whether that is every stage.

    Raises: DigestMismatch if a record was changed.
    """
    resolution = resolve(plan, store)
    whole = len(resolution.records) == len(plan.stages)
    store.keep_plan(plan)
    folder = run_folder(store, plan)
    write_atomically(folder / "plan.json", plans.dump(plan).encode())
    root, path = Path(plan.root or "."), folder / "manifest.yaml"
    status, signed = "complete" if whole else "running", manifests.overrides_at(path)
    manifests.write(manifest_of(plan, store, resolution, status, None, None, git_commit(root), author(root), signed), path)
    return path, whole
