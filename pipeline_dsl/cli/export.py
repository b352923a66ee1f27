"""`pdsl export`: the model that a gate let out, as a folder."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.gate import BaselineOption, decide_opened, open_run, tell_notes
from pipeline_dsl.cli.options import DEFAULT_STORE, ManifestArgument, PolicyOption, StoreOption, find_manifest, open_store
from pipeline_dsl.gates.decision import Decision, let_out, require_ship
from pipeline_dsl.gates.verdict import Run
from pipeline_dsl.runner.machine import author
from pipeline_dsl.store.tree import safe_path

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="The folder to write; it must not be there yet.")],
    manifest: ManifestArgument = None,
    baseline: BaselineOption = None,
    policy: PolicyOption = None,
    sign: Annotated[
        Path | None,
        typer.Option("--sign", metavar="KEY", help="Sign the folder for OpenSSF model signing: an ECDSA private key, SSH or PEM."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Judge a run, and write the model that it ships to a folder if the verdict is SHIP, or a reviewer's override stands.

    Where the run ships a server, the model that it serves is written. Every byte is read against its digest, and the decision
    log has it before it is written. Exits 3 if the run is held, 4 if anything is not what its digest or signature says.

    The model card lies beside the model's files as README.md, unless they have one of their own. It is no part of the artifact that
    the verdict is bound to, which is made before anybody can judge it; with --sign it is signed with them. The signature is
    model.sig, which `pdsl verify` and OpenSSF's `model_signing verify key` check.

    Example: pdsl export --out model --sign ~/.ssh/release
    """
    if out.exists():
        raise Usage(f"{out} is there already", help="name a folder that is not")
    pem = None if sign is None else _signing_key(sign)
    opened = open_store(store)
    run = open_run(find_manifest(manifest, store), opened)
    decision = decide_opened(run, baseline, policy)
    artifact = require_ship(decision)
    tree = opened.verify(artifact)
    if tree.kind == "server_spec":
        artifact = str(tree.meta["model"])
        tree = opened.verify(artifact)
    let_out(run, decision, "export", now=datetime.now(UTC), by=author(Path()))
    tell_notes(decision)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    draft = partial / out.name  # a signature has the folder's name in it
    draft.mkdir(parents=True)
    for entry in tree.files:
        target = draft / safe_path(entry.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(opened.blob(entry), target)
    _write_card(draft, run, decision)
    if pem is not None:
        from pipeline_dsl.provenance import model_signature

        model_signature.sign(draft, pem)
    draft.rename(out)  # whole, or not there
    partial.rmdir()
    print(f"{out}: {artifact}")


def _signing_key(path: Path) -> bytes:
    from pipeline_dsl.provenance.model_signature import signing_key

    return signing_key(path.expanduser())


def _write_card(folder: Path, run: Run, decision: Decision) -> None:
    from pipeline_dsl.provenance.cards.facts import gather
    from pipeline_dsl.provenance.cards.model import CARD, model_card

    if (folder / CARD).exists():
        print(f"the model has a {CARD} of its own, which is kept; `pdsl card` writes its card elsewhere", file=sys.stderr)
    else:
        (folder / CARD).write_text(model_card(gather(run, decision)), encoding="utf-8")
