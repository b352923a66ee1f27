"""`pdsl review`: judge proposed manifests, without running anything that they name."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
import typer

from pipeline_dsl.base.fault import Exit, Usage
from pipeline_dsl.compiler.review.review import Review

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How a review is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"


@app.command()
def review(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="MANIFEST|PATH|DIFF...", help="Manifests, folders of them, saved plans, or a diff (`-` reads one)."),
    ],
    format: Annotated[Format, typer.Option("--format", help="How the review is printed.")] = Format.TEXT,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="MANIFEST", help="An earlier manifest: what changed and should not have is flagged.")
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--types", metavar="MODULE", help="A module of yours with stage types; it is imported. Nothing else is."),
    ] = None,
    store: Annotated[Path | None, typer.Option("--store", help="The store of the run: figures and results are held against it.")] = None,
) -> None:
    """Judge proposed manifests: stage types, hash chain, gates, KL bounds, rollback plan, cost, lineage and contamination.

    A proposal is written by `pdsl plan TARGET --manifest FILE`; the manifest of a run is judged as well. Nothing that a manifest names
    is imported, opened or run. Exits 0 for APPROVE, 1 for REFUSE, 4 if a hash chain is broken.

    \b
    Examples:
      pdsl review proposal.yaml
      pdsl review .pdsl/runs --format json
      git diff main -- manifests | pdsl review - --format markdown
    """
    from pipeline_dsl.cli.formats.review import printed
    from pipeline_dsl.cli.options import open_store
    from pipeline_dsl.compiler.review.installed import installed, named
    from pipeline_dsl.compiler.review.review import Terms

    if store is not None and not store.is_dir():
        raise Usage(f"there is no store {store} to hold figures against", help="name the folder that `pdsl run` kept its results in: .pdsl")
    known = {**installed(), **named(types or ())}
    earlier = None if against is None else _earlier(against, known)
    terms = Terms(types=known, against=earlier, store=None if store is None else open_store(store))
    reviews = [found for target in targets for found in _reviews(target, terms)]
    sys.stdout.write(printed(reviews, "json" if json else format.value))
    if any(found.broken for found in reviews):
        raise typer.Exit(int(Exit.DIGEST))
    if any(found.verdict == "REFUSE" for found in reviews):
        raise typer.Exit(int(Exit.FINDINGS))


def _earlier(path: Path, types: "Types") -> "Subject":
    from pipeline_dsl.compiler.review.review import subject_of
    from pipeline_dsl.compiler.review.tree import Refused

    try:
        found = subject_of(*_manifest(path), types)
    except Refused as refused:
        raise Usage(f"{path} cannot be compared with: {refused.finding.message}") from refused
    if not found.entries:
        raise Usage(f"{path} cannot be compared with: it has no stages", help="name an earlier manifest, of a run or a proposal")
    return found


def _reviews(target: str, terms: "Terms") -> Iterator[Review]:
    """The reviews of all that a target names.

    Raises: Usage if it names nothing that can be reviewed.
    """
    from pipeline_dsl.compiler.review.review import review as judge

    path = Path(target)
    if target == "-" or path.suffix in (".diff", ".patch"):
        yield from _of_diff(target, terms)
    elif path.suffix == ".py":
        raise Usage(f"{target} is a pipeline file, not a manifest", help=f"`pdsl check {target}` judges it, and runs its code to do so")
    elif path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if file.suffix in (".yaml", ".yml", ".json") and _is_manifest(file)]
        if not found:
            raise Usage(
                f"{target} holds no manifest", help="a manifest is a `.yaml` file with `manifest_version`, or with `stages` and `gates`"
            )
        for file in found:
            yield judge(_bytes(file), str(file), terms)
    else:
        raw, name = _manifest(path)
        yield judge(raw, name, terms)


def _is_manifest(file: Path) -> bool:
    from pipeline_dsl.compiler.review.recognize import is_manifest

    return file.is_file() and is_manifest(_bytes(file))


def _manifest(path: Path) -> tuple[bytes, str]:
    """The bytes of a manifest, and what findings call it; a saved plan stands for the proposal that it was written with."""
    from pipeline_dsl.compiler.review.recognize import is_plan

    raw = _bytes(path)
    if not is_plan(raw):
        return raw, str(path)
    from pipeline_dsl.plan import plan as plans
    from pipeline_dsl.store.proposal import proposal
    from pipeline_dsl.store.strict_yaml import dumped

    return dumped(proposal(plans.read(path), None)).encode(), f"{path} (as a manifest)"


def _of_diff(target: str, terms: "Terms") -> Iterator[Review]:
    from pipeline_dsl.cli.patch import changed
    from pipeline_dsl.compiler.review.recognize import is_manifest
    from pipeline_dsl.compiler.review.review import review as judge

    raw = sys.stdin.buffer.read(_LIMIT + 1) if target == "-" else _bytes(Path(target))
    if len(raw) > _LIMIT:
        raise Usage(f"this diff is larger than {_LIMIT:,} bytes", help="review the manifests themselves")
    diff, touched = raw.decode("utf-8", "replace"), 0
    for change in changed(diff, Path.cwd()):
        if is_manifest(change.text.encode("utf-8", "surrogateescape")):
            touched += 1
            held = terms if terms.against is not None else attrs.evolve(terms, against=_before(change, terms.types))
            yield judge(change.text.encode("utf-8", "surrogateescape"), change.file, held).marked(change.lines)
    pipelines = _pipelines(diff)
    if not touched:
        raise Usage("this diff touches no manifest", help=_nothing(diff, pipelines))
    if pipelines:
        sys.stderr.write(f"pdsl: not judged here: {', '.join(pipelines)}; `pdsl check FILE` judges a pipeline file, and runs its code\n")


def _before(change: "Change", types: "Types") -> "Subject | None":
    """The old side of a manifest that a diff changes; None if there is none to compare with."""
    from pipeline_dsl.base.span import remember
    from pipeline_dsl.compiler.review.review import subject_of
    from pipeline_dsl.compiler.review.tree import Refused

    if change.old is None:
        return None
    name = f"{change.old} (before)"
    try:
        found = subject_of(change.before.encode("utf-8", "surrogateescape"), name, types)
    except Refused:
        return None  # what could not be read had nothing to lose
    remember(name, change.before)
    return found if found.entries else None


def _pipelines(diff: str) -> list[str]:
    """The pipeline files that a diff touches, as far as they lie here."""
    from pipeline_dsl.cli.patch import names

    changed = [Path(new) for _, new in names(diff) if new is not None and new.endswith(".py") and ".." not in Path(new).parts]
    there = [path for path in changed if not path.is_absolute() and path.is_file()]
    return [str(path) for path in there if (raw := _bytes(path)).find(b"pipeline_dsl") >= 0 and b"Pipeline(" in raw]


def _nothing(diff: str, pipelines: list[str]) -> str:
    """What to do with a diff that has no manifest on its new side."""
    from pipeline_dsl.cli.patch import names

    if pipelines:
        file = pipelines[0]
        return (
            f"`pdsl check {file}` judges the pipeline file, and runs its code; `pdsl plan {file} --manifest FILE` writes what is reviewed"
        )
    if "\x1b[" in diff:
        return "it is coloured: make it by `git diff --no-color`"
    gone = [old for old, new in names(diff) if new is None and old is not None and old.endswith((".yaml", ".yml", ".json"))]
    if gone:
        return f"it deletes {', '.join(gone[:3])}: what is gone is not reviewed"
    return "a diff is reviewed by the manifests on its new side"


_LIMIT = 64 * 2**20


def _bytes(path: Path) -> bytes:
    """A file's bytes, one more than a manifest may have at most."""
    from pipeline_dsl.store.manifest import MAX_BYTES

    try:
        with path.open("rb") as stream:
            return stream.read(max(MAX_BYTES, _LIMIT if path.suffix in (".diff", ".patch") else 0) + 1)
    except OSError as error:
        raise Usage(f"cannot read {path}: {error.strerror}") from error


if TYPE_CHECKING:
    from pipeline_dsl.cli.patch import Change
    from pipeline_dsl.compiler.review.installed import Types
    from pipeline_dsl.compiler.review.review import Terms
    from pipeline_dsl.compiler.review.subject import Subject
