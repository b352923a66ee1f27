"""`pdsl card`: what a run made, told to people, from its records alone."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.gate import BaselineOption, decide_opened, open_run
from pipeline_dsl.cli.options import DEFAULT_STORE, ManifestArgument, PolicyOption, StoreOption, find_manifest, open_store
from pipeline_dsl.cli.saving import save

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Kind(StrEnum):
    """What a card is about."""

    MODEL = "model"
    DATA = "data"


@app.command()
def card(
    manifest: ManifestArgument = None,
    kind: Annotated[Kind, typer.Option("--kind", help="What the card is about.")] = Kind.MODEL,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write it; printed without.")] = None,
    baseline: BaselineOption = None,
    policy: PolicyOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write a run's model card or data card in Markdown, with the metadata that the Hugging Face Hub reads.

    Every word of it comes from the manifest, the plan and the store, checked as `pdsl gate` checks them; what nobody measured is
    said to be not measured. It holds no text of the data. A held run has a card as well, which says that it is held.
    Exits 4 if anything is not what its digest or signature says.

    Example: pdsl card --kind model --out MODEL_CARD.md
    """
    from pipeline_dsl.provenance.cards.data import data_card
    from pipeline_dsl.provenance.cards.facts import gather
    from pipeline_dsl.provenance.cards.model import model_card

    run = open_run(find_manifest(manifest, store), open_store(store))
    facts = gather(run, decide_opened(run, baseline, policy))
    written = model_card(facts) if kind is Kind.MODEL else data_card(facts)
    if out is None:
        sys.stdout.buffer.write(written.encode())  # the same bytes as in a file, whatever the terminal's encoding is
        return
    if not out.parent.is_dir():
        raise Usage(f"there is no folder {out.parent}")
    save(out, written.encode())
    print(out)
