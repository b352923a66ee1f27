"""`pdsl attest`: how each artifact of a run came to be, and what was decided, as signed statements that others can check."""

import json as codec
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.base.units import scaled
from pipeline_dsl.cli.gate import BaselineOption, decide_opened, open_run
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, ManifestArgument, PolicyOption, StoreOption, find_manifest, open_store
from pipeline_dsl.store.tree import safe_path

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def attest(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write; it must not be there yet.")],
    key: Annotated[
        Path, typer.Option("--key", envvar="PDSL_KEY", metavar="FILE", help="The private key: an SSH key or PEM; Ed25519, ECDSA or RSA.")
    ],
    manifest: ManifestArgument = None,
    baseline: BaselineOption = None,
    policy: PolicyOption = None,
    builder: Annotated[str, typer.Option("--builder", metavar="URI", help="Who ran the stages, as a URI.")] = "pdsl:runner",
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write signed attestations of a run: SLSA provenance of each stage's artifact, the verdict, and a summary that binds them.

    They are in-toto statements in DSSE envelopes: other tools read them, and `pdsl verify` checks them. Every byte of every
    artifact is read against its digest first. A held run is attested as well, as held. A key's passphrase is asked for, or read
    from PDSL_KEY_PASSPHRASE. Exits 4 if anything is not what its digest or signature says.

    Example: pdsl attest --out attestations --key ~/.ssh/release
    """
    from pipeline_dsl.provenance.attestation import attest as attested
    from pipeline_dsl.provenance.keys import signer
    from pipeline_dsl.provenance.statement import moment

    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", builder):
        raise Usage(f"{builder!r:.80} is no URI", help="name who ran the stages: --builder https://ci.example.org/llm")
    if out.exists():
        raise Usage(f"{out} is there already", help="name a folder that is not")
    run = open_run(find_manifest(manifest, store), open_store(store))
    signing = signer(key.expanduser())
    decision = decide_opened(run, baseline, policy)
    found = attested(run, decision, signing, builder=builder, when=moment(time.time()))
    _write(out, found.files)
    if json:
        data = {
            "version": 1,
            "folder": str(out),
            "decision": decision.outcome,
            "verdict": decision.verdict.digest,
            "key": signing.public_key.keyid,
            "artifacts": found.artifacts,
            "bytes": found.size,
            "files": sorted(found.files),
        }
        print(codec.dumps(data, indent=1))
    else:
        print(f"{out}: {found.artifacts} artifacts of {scaled(found.size, 'B')}, and the verdict, {decision.outcome}")
        print(f"signed by the key {signing.public_key.keyid[:16]}; check with `pdsl verify {out} --key {key}.pub`")


def _write(out: Path, files: Mapping[str, bytes]) -> None:
    draft = out.with_name(f".{out.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    for name, data in files.items():
        target = draft / safe_path(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        except OSError as error:
            raise Usage(f"cannot write {target}: {error.strerror}") from error
    draft.rename(out)  # whole, or not there
