"""What the decision log says was let out, so that nobody's say-so makes a run a release to compare with."""

from collections.abc import Mapping, Sequence

import attrs

from pipeline_dsl.base.digest import Digest, digest_plain
from pipeline_dsl.gates.verdict import Run
from pipeline_dsl.store.log import Entry

RELEASES = ("export", "serve")
"""The kinds of entries that say that a run was let out."""

NEVER = "was never let out: the decision log has no export of it, and no server"


@attrs.frozen(kw_only=True)
class Earlier:
    """A run that another is compared with: whether the plan of that one names it, and whether the decision log has it as let out."""

    run: Run
    declared: bool
    let_out: bool


def results(records: Mapping[str, str]) -> Digest:
    """What the log calls the results of a run, whose records are given by their stages: a stage that was run again makes others."""
    return digest_plain(dict(records))


def was_let_out(run: Run, log: Sequence[Entry]) -> bool:
    """Whether the log has it that these results of this plan were let out, by whichever verdict. What the manifest says of its records
    must still be verified."""
    about = run.plan.digest, results({name: entry.record for name, entry in run.manifest.stages.items()})
    return any(entry.kind in RELEASES and (entry.facts.get("plan"), entry.facts.get("records")) == about for entry in log)
