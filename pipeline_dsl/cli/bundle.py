"""`pdsl bundle`: a run in one file."""

import json as codec
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import BadFile, Usage
from pipeline_dsl.base.units import scaled
from pipeline_dsl.cli.meter import Meter
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, ManifestArgument, StoreOption, find_manifest, open_store
from pipeline_dsl.compiler.checks.secret_literal import looks_secret
from pipeline_dsl.runner.original import Original, of_code, original
from pipeline_dsl.runner.sources import project_sources, roots
from pipeline_dsl.runner.stage import VERSION
from pipeline_dsl.store import archive
from pipeline_dsl.store.bundle import Content, Held, Index, Sources, index_of
from pipeline_dsl.store.log import Log

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def bundle(
    out: Annotated[Path, typer.Option("--out", help="The file to write: `.tar.zst`, or `.tar.gz`, which is much slower.")],
    manifest: ManifestArgument = None,
    without_artifacts: Annotated[bool, typer.Option("--without-artifacts", help="Leave out the files of all artifacts.")] = False,
    only_inputs: Annotated[
        bool,
        typer.Option("--only-inputs", help="Of artifacts, take only those of stages that read no other: what was fetched, or lay here."),
    ] = False,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write a run into one file: its manifest, plan, records, artifacts and decision log, and the source of the project's own modules.

    The source is what lies here now; what is not as it was when it ran is said. No environment variable is read, and a source
    that holds what looks like a secret is refused. The same run gives the same bytes. The digest that is printed names all of
    it: whoever gets the file can ask `pdsl replay` for that digest. Exits 4 if the store is not what the manifest says.

    A bundle is evidence, not a release: a held run can be bundled, and is as held where it is unpacked. It then has the weights that no
    gate let out, so give it only to whom you would give the store, or leave them out with `--only-inputs`.

    Example: pdsl bundle --out tiny.tar.zst --only-inputs
    """
    if not out.name.endswith(archive.SUFFIXES):
        raise Usage(f"{out} is neither a `.tar.zst` nor a `.tar.gz`", help="name it so: its suffix says how it is packed")
    if without_artifacts and only_inputs:
        raise Usage("`--without-artifacts` and `--only-inputs` are two things", help="give one of them")
    held: Held = "none" if without_artifacts else "inputs" if only_inputs else "all"
    path = find_manifest(manifest, store)
    run = original(path, open_store(store))
    folders = roots(Path.cwd(), run.plan.root)
    changed = [str(item) for item in of_code(run, folders)]
    sources = project_sources(run.plan, folders)
    _refuse_secrets(sources)
    for line in changed:
        print(f"changed since it ran: {line}", file=sys.stderr)
    content = Content(
        manifest=run.manifest,
        written=path.read_bytes(),
        plan=run.plan,
        records=run.records,
        store=run.store,
        sources=sources,
        log=_log(run),
    )
    index, members = index_of(content, held, VERSION)
    meter = Meter(str(out), sum(entry.size for entry in index.files), quiet=json)
    signal.signal(signal.SIGTERM, _end)  # as Ctrl-C does: nothing half is left
    try:
        archive.write(out, index.spelled(), members, meter)
    finally:
        meter.close()
    _tell(out, index, sources, changed, json=json)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _refuse_secrets(sources: Sources) -> None:
    for inside, data in sources.files.items():
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if looks_secret(line):
                raise BadFile(
                    f"{inside}:{number} holds what looks like a secret, and would be in the bundle",
                    help="revoke it, and read an environment variable there instead",
                )


def _log(run: Original) -> bytes | None:
    """The decision log as it is, if there is one.

    Raises: LogBroken.
    """
    file = run.store.layout.decisions
    if not file.exists():
        return None
    Log(file).entries()
    return file.read_bytes()


def _tell(out: Path, index: Index, sources: Sources, changed: list[str], *, json: bool) -> None:
    size, total = out.stat().st_size, sum(entry.size for entry in index.files)
    if json:
        data = {
            "version": 1,
            "bundle": str(out),
            "digest": index.digest,
            "bytes": size,
            "unpacked": total,
            "files": len(index.files),
            "artifacts": index.artifacts,
            "plan": index.plan,
            "source": sorted(sources.files),
            "changed": changed,
        }
        print(codec.dumps(data, indent=1))
        return
    artifacts = {"all": "all artifacts", "inputs": "the inputs alone", "none": "no artifacts"}[index.artifacts]
    print(f"{out}: {scaled(size, 'B')}, {len(index.files)} files of {scaled(total, 'B')}, {artifacts}, plan {short(index.plan)}")
    print(f"{index.digest}")
