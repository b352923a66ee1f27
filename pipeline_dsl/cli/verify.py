"""`pdsl verify`: whether attestations, and the bytes that they are about, are what somebody signed."""

import json as codec
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.digest import short
from pipeline_dsl.base.fault import BadSignature, Exit, Fault, Usage
from pipeline_dsl.base.units import scaled
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption, open_store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="What `pdsl attest` wrote.")],
    keys: Annotated[
        list[Path], typer.Option("--key", metavar="FILE", help="The public key of who signed, KEY.pub or PEM; several may be given.")
    ],
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FOLDER", help="Check an exported model against them, in place of a store.")
    ] = None,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Check a run's attestations: each signature, that every input is what its producer is attested to have made, and every byte.

    Without --model every artifact is read from the store; with it, the files of an exported model, and its OpenSSF signature if
    there is one. Exits 4, naming the file, if anything was changed, added, removed, or signed by another key; 3 if a --model is what
    it should be, and was held.

    \b
    Examples:
      pdsl verify attestations --key release.pub
      pdsl verify attestations --key release.pub --model model
    """
    from pipeline_dsl.provenance import verification
    from pipeline_dsl.provenance.cards.model import CARD
    from pipeline_dsl.provenance.keys import verifier
    from pipeline_dsl.provenance.model_signature import SIGNATURE

    found = verification.read(folder, [verifier(key.expanduser()) for key in keys])
    if model is not None:
        size = verification.check_folder(found, model, frozenset({CARD, SIGNATURE}))
        _signed(model, keys)
    elif store.is_dir():
        size = verification.check_store(found, open_store(store))
    else:
        raise Usage(
            f"there is no store {store} to check artifacts in", help="name it with --store, or an exported model with --model FOLDER"
        )
    if json:
        data = {
            "version": 1,
            "pipeline": found.pipeline,
            "decision": found.decision,
            "verdict": found.verdict,
            "artifacts": sorted(found.subjects),
            "ships": dict(found.ships),
            "overrides": [dict(override) for override in found.overrides],
            "bytes": size,
        }
        print(codec.dumps(data, indent=1))
    else:
        what = f"{model}" if model else f"{len(found.subjects)} artifacts"
        print(f"{what}, {scaled(size, 'B')}: as attested")
        print(f"{found.pipeline}: {found.decision}, verdict {short(found.verdict)}")
        for override in found.overrides:
            print(f"  {override['gate'] or 'no baseline'}: overridden by {override['reviewer']} until {override['expires']}")
    if model is not None and found.decision == "HOLD":
        raise typer.Exit(int(Exit.HOLD))


def _signed(model: Path, keys: list[Path]) -> None:
    """Check an OpenSSF signature, if the folder has one, by whichever of the keys made it."""
    from pipeline_dsl.provenance import model_signature

    if not (model / model_signature.SIGNATURE).exists():
        return
    faults: list[Fault] = []
    for key in keys:
        try:
            model_signature.verify(model, key.expanduser())
        except (BadSignature, Usage) as fault:
            faults.append(fault)
        else:
            return
    raise next((fault for fault in faults if isinstance(fault, BadSignature)), faults[0])
