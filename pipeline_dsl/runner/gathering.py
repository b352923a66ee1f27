"""The manifest of a plan whose stages a cluster ran, one by one, with no runner to watch them."""

from pathlib import Path

from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.runner.history import manifest_of
from pipeline_dsl.runner.machine import git_commit
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
    commit = git_commit(Path(plan.root or "."))
    manifest = manifest_of(plan, store, resolution, "complete" if whole else "running", None, None, commit)
    manifests.write(manifest, folder / "manifest.yaml")
    return folder / "manifest.yaml", whole
