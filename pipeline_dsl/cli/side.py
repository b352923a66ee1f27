"""One side of a difference: a manifest, a saved plan, a pipeline, or any of that at a git revision."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import attrs
import typer

from pipeline_dsl.base.fault import BadFile, Exit, Fault, MissingArtifact, Usage
from pipeline_dsl.cli.options import open_store, plan_of
from pipeline_dsl.cli.report import print_text
from pipeline_dsl.cli.revision import content_at, is_revision, plan_at, repository, was_there
from pipeline_dsl.compiler.checks.release_broken import ReleaseBroken
from pipeline_dsl.compiler.checks.stage_undescribed import StageUndescribed
from pipeline_dsl.compiler.compile import compile_loaded
from pipeline_dsl.compiler.load import located
from pipeline_dsl.gates.examined import Examined, examine
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.comparison import Outline, Sketch, outline
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store import manifest as manifests
from pipeline_dsl.store.manifest import Manifest, StageEntry
from pipeline_dsl.store.store import Store


@attrs.frozen(kw_only=True)
class Side:
    """What is compared. `plan` is None for a manifest whose plan is not here; `run` is None for what was not run."""

    label: str
    outline: Outline
    plan: Plan | None
    run: Examined | None = None


def sides(first: str, second: str, store: Path) -> tuple[Side, Side]:
    """Both sides; a revision alone means the other side's pipeline file as it was then.

    Raises: typer.Exit, with its findings printed, if a pipeline does not compile; Usage; BadFile; DigestMismatch.
    """
    here = _folder(first) or _folder(second) or Path.cwd()
    bare = [_is_revision(text, here) for text in (first, second)]
    if all(bare):
        help = f"name its file once: `pdsl diff {first}:pipelines/tiny.py {second}`"
        raise Usage(f"of which pipeline, at {first} and at {second}?", help=help)
    if bare[0]:
        first = f"{first}:{_file(second, first)}"
    if bare[1]:
        second = f"{second}:{_file(first, second)}"
    return _side(first, here, store), _side(second, here, store)


_DATA = (".json", ".yaml", ".yml")


def _folder(text: str) -> Path | None:
    """The folder of a pipeline file that is there: its repository is the one that revisions are of."""
    path = Path(text)
    return path.resolve().parent if path.suffix == ".py" and path.is_file() else None


def _is_revision(text: str, folder: Path) -> bool:
    return not (Path(text).exists() or text.endswith((".py", *_DATA)) or ":" in text) and is_revision(text, folder)


def _file(other: str, revision: str) -> str:
    """The file that the other side names, from the root of its repository."""
    _, colon, inside = other.partition(":")
    if colon and not Path(other).exists():
        return inside
    is_data = other.endswith(_DATA) or Path(other).is_dir()
    file = Path(other).resolve() if is_data else located(other).resolve()
    root = repository(file.parent, other)
    if is_data and not was_there(revision, root, file.relative_to(root).as_posix()):
        raise Usage(f"{other} does not say which file the pipeline is declared in", help="write `REVISION:pipelines/tiny.py`")
    return file.relative_to(root).as_posix()


def _side(text: str, here: Path, store: Path) -> Side:
    path = Path(text)
    revision, colon, inside = text.partition(":")
    if colon and not path.exists():
        return _at_revision(text, revision, inside, here, store)
    if path.is_dir():
        path = path / "manifest.yaml"
    if path.suffix in (".yaml", ".yml"):
        return _of_manifest(text, path, store)
    return _of_plan(text, plan_of(text)[0])


def _of_plan(label: str, plan: Plan) -> Side:
    return Side(label=label, outline=outline(plan), plan=plan)


def _at_revision(label: str, revision: str, inside: str, here: Path, store: Path) -> Side:
    """`inside` is a path from the root of the repository or, with `./` or if there is none such, from here."""
    root = repository(here, str(here))
    below = Path(Path.cwd() if Path.cwd().is_relative_to(root) else here, inside).resolve()
    if (inside.startswith("./") or not was_there(revision, root, inside)) and below.is_relative_to(root):
        relative = below.relative_to(root).as_posix()
        inside = relative if inside.startswith("./") or was_there(revision, root, relative) else inside
    if not inside.endswith(_DATA):
        return _of_plan(label, plan_at(revision, inside, root))
    content = content_at(revision, inside, root)
    if inside.endswith(".json"):
        return _of_plan(label, plans.parse(content.decode(errors="replace"), where=label))
    with tempfile.TemporaryDirectory(prefix="pdsl-revision-") as folder:
        path = Path(folder, Path(inside).name)
        path.write_bytes(content)
        return _of_manifest(label, path, store)


def _of_manifest(label: str, path: Path, store: Path) -> Side:
    try:
        manifest = manifests.read(path)
    except BadFile as fault:
        plan = _proposed(path, label)
        if plan is None:
            raise fault
        return _of_plan(label, plan)
    opened = _its_store(path, store)
    plan = _its_plan(manifest, path, opened)
    run = examine(manifest, plan, opened)
    return Side(label=label, outline=outline(plan) if plan else _told(manifest), plan=plan, run=run)


def _proposed(path: Path, label: str) -> Plan | None:
    """The plan of a proposal, the manifest of a run that has not begun; None if it is none. Nothing that it names is imported.

    Raises: typer.Exit, with its findings printed, if it does not compile.
    """
    from pipeline_dsl.compiler.review.installed import installed
    from pipeline_dsl.compiler.review.review import subject_of
    from pipeline_dsl.compiler.review.tree import Refused

    try:
        subject = subject_of(path.read_bytes(), label, installed())
    except Refused:
        return None
    if subject.declared.loaded is None:
        return None
    compiled = compile_loaded(subject.declared.loaded, without=(ReleaseBroken, StageUndescribed), allowing=False)
    if compiled.plan is None:
        print_text(compiled.diagnostics, sys.stderr)
        raise typer.Exit(int(Exit.FINDINGS))
    return compiled.plan


def _its_store(path: Path, store: Path) -> Store:
    """The store that a manifest lies in; one that lies elsewhere is held against the store that was given."""
    root = path.resolve().parent.parent.parent
    return open_store(root if path.resolve().parent.parent.name == "runs" and (root / "store").is_dir() else store)


def _its_plan(manifest: Manifest, path: Path, store: Store) -> Plan | None:
    try:
        return store.plan(manifest.plan)
    except MissingArtifact:
        beside = path.with_name("plan.json")
    try:
        plan = plans.read(beside) if beside.exists() else None
    except Fault:  # what lies beside a manifest proves nothing
        return None
    return plan if plan is not None and plan.digest == manifest.plan else None


def _told(manifest: Manifest) -> Outline:
    """What a manifest says of its pipeline, where its plan is not here: of stages that did not finish nothing but their names."""
    facts: dict[str, Any] = {name: getattr(manifest, name) for name in ("pipeline", "pipeline_version", "seed")}
    if manifest.gate_stages is not None:  # else it is of a pdsl that did not write down what follows
        budget = manifest.budget or {}
        facts |= {"budget_usd": budget.get("usd"), "budget_kl": budget.get("kl"), "ships": manifest.ships}
    return Outline(
        facts=facts,
        gates=tuple((gate, (manifest.gate_stages or {}).get(gate), None) for gate in manifest.gates),
        stages=tuple(_sketch(name, entry) for name, entry in manifest.stages.items()),
    )


def _sketch(name: str, entry: StageEntry) -> Sketch:
    recipe, plan = entry.recipe, entry.rollback
    return Sketch(
        name=name,
        type=recipe.type,
        version=recipe.version,
        fields=recipe.fields,
        inputs=recipe.inputs,
        definition=entry.definition,
        execution={**(entry.execution or {}), **({"tier": plan.tier, "on_failure": plan.action} if plan else {})},
    )
