"""`pdsl exempt`: a named reviewer's signed statement that some contaminated items are no reason to hold."""

import json as codec
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.fault import Usage
from pipeline_dsl.cli.formats.decision import data, text
from pipeline_dsl.cli.gate import BaselineOption, judge_run, open_run
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, ManifestArgument, PolicyOption, StoreOption, find_manifest, open_store
from pipeline_dsl.cli.report import tame
from pipeline_dsl.cli.signing import ExpiresOption, KeyOption, ReviewerOption, end, signer, why
from pipeline_dsl.gates.decision import Decision, decide_run
from pipeline_dsl.gates.exemption import KIND, Exemption
from pipeline_dsl.gates.policy import find_policy, require_policy
from pipeline_dsl.gates.signature import EXCEPTION
from pipeline_dsl.gates.statement import facts, require_in_force, sign_as, spelled, terms
from pipeline_dsl.lang.overlap import Hit
from pipeline_dsl.runner.machine import author
from pipeline_dsl.store.log import Log

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

ALGORITHM = "sha256:"
SHORTEST = 12
"""Digits of a digest that name an item."""


@app.command()
def exempt(
    reviewer: ReviewerOption,
    reason: Annotated[str, typer.Option("--reason", help="Why these items are no reason to hold.")],
    item: Annotated[
        list[str], typer.Option("--item", help="An item's digest as `pdsl gate` shows it, or `SET ITEM`; may be given several times.")
    ],
    manifest: ManifestArgument = None,
    expires: ExpiresOption = None,
    key: KeyOption = None,
    baseline: BaselineOption = None,
    policy: PolicyOption = None,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Exempt contaminated items that a reviewer has looked at: a famous quotation, the text of a licence.

    A contamination gate that fails passes if it would without them; what the report counts stays as it is. An exemption is
    about one pipeline and counts in its later runs too, as long as the same of the item is seen, the policy's `contamination`
    lets this reviewer sign, and it has not expired. It is written to the decision log. Exits 3 if the policy refuses, 4 if a digest
    or signature does not match.

    Example: pdsl exempt --item "questions/quotes 17" --reviewer ada@example.org --reason "the preamble of the constitution"
    """
    now = datetime.now(UTC)
    known = require_policy(find_policy(policy))
    run = open_run(find_manifest(manifest, store), open_store(store))
    verdict = judge_run(run, baseline)
    before = decide_run(run, verdict, known, now)
    hits = _chosen(before, item)
    person = signer(known, reviewer)
    agreed = known.require(known.contamination, person, verdict.authors, "exempt contaminated items")
    log = Log(run.store.layout.decisions)
    wanted = Exemption(
        pipeline=verdict.pipeline,
        items=tuple(sorted({hit.digest for hit in hits})),
        **terms(person, why(reason), now, end(expires, agreed, now), known, log.entries()),
    )
    require_in_force(unstructure(wanted), agreed, now)
    signed = sign_as(person, unstructure(wanted), EXCEPTION, key)
    with log.held() as held:
        held.append(KIND, facts(signed), time=spelled(now), by=author(Path()))
    decision = decide_run(run, verdict, known, now)
    if json:
        print(codec.dumps(data(decision), indent=1))
    else:
        sys.stdout.write(tame(f"{person.name} exempted {_named(hits)} of {verdict.pipeline} until {wanted.expires}\n{text(decision)}"))


def _chosen(decision: Decision, named: Sequence[str]) -> list[Hit]:
    """The contaminated items that were named.

    Raises: Usage if no gate fails for any, or a name is of none, or of several.
    """
    hits = {hit.digest: hit for items in decision.contaminated.values() for hit in items.hits}
    if not hits:
        raise Usage("no contamination gate of this run fails: there is nothing to exempt")
    found: list[Hit] = []
    for name in named:
        asked = " ".join(name.split()).removesuffix(":")
        digits = asked.removeprefix(ALGORITHM)
        fitting = [
            hit
            for hit in hits.values()
            if asked == f"{hit.set} {hit.item}" or (len(digits) >= SHORTEST and hit.digest.startswith(f"{ALGORITHM}{digits}"))
        ]
        if len(fitting) != 1:
            raise Usage(
                f"`{name}` names {len(fitting) or 'no'} contaminated item{'s' if len(fitting) > 1 else ''}",
                help="give its digest, as `pdsl gate` shows it, or its set and its name there",
            )
        found += fitting
    return found


def _named(hits: Sequence[Hit]) -> str:
    return ", ".join(dict.fromkeys(f"{hit.set} {hit.item}" for hit in hits))
