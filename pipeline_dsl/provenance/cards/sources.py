"""Where a run's data comes from, and on what terms."""

from collections.abc import Iterable, Iterator

import attrs

from pipeline_dsl.lang.label import TERMS
from pipeline_dsl.lang.licence import forbids
from pipeline_dsl.provenance.cards.facts import Facts

NOT_RECORDED = "not recorded"


@attrs.frozen(kw_only=True)
class Origin:
    """Something that a run began with: published files, or what a stage without inputs made.

    `licence` is None where nobody declared one. `personal` is what was declared: None where the stage cannot declare it.
    """

    stage: str
    origin: str
    licence: str | None
    terms: tuple[str, ...]
    personal: bool | None
    digest: str
    files: int
    size: int
    learnt: bool
    use: str
    """What it was for, as cards say it."""


def origins(facts: Facts) -> list[Origin]:
    """Everything that the run began with, in the plan's order."""
    found: list[Origin] = []
    for stage, record, tree in facts.stages():
        if any(stage.parents):
            continue
        licence = tree.meta.get("licence") or stage.fields.get("licence") or stage.fields.get("license")
        licence = licence if isinstance(licence, str) else None
        personal = stage.execution.get("personal", stage.fields.get("personal"))
        found.append(
            Origin(
                stage=stage.name,
                origin=str(tree.meta.get("origin") or f"made by {stage.type}"),
                licence=licence,
                terms=tuple(_terms(licence, stage.execution.get("terms", stage.fields.get("terms")))),
                personal=personal if isinstance(personal, bool) else None,
                digest=str(tree.meta.get("digest") or record.output),
                files=len(tree.files),
                size=tree.size,
                learnt=stage.name in facts.learnt,
                use=facts.use(stage.name),
            )
        )
    return found


def _terms(licence: str | None, said: object) -> Iterator[str]:
    """What a licence forbids, as somebody who read it says, or as its identifier does."""
    if said in TERMS:
        yield str(said)
    elif licence is not None and said != "open":
        yield from sorted(forbids(licence))


def licences(found: Iterable[Origin]) -> list[str]:
    """The licences of some origins, each once."""
    return sorted({origin.licence for origin in found if origin.licence is not None})


def hub_licence(found: Iterable[str]) -> dict[str, str | None]:
    """Licences as the Hugging Face Hub has them: one of its identifiers, or `other` with the SPDX expression beside it."""
    expressions = sorted(set(found))
    if not expressions:
        return {"license": "unknown", "license_name": None}
    short = hub_name(expressions[0]) if len(expressions) == 1 else None
    if short is not None:
        return {"license": short, "license_name": None}
    parts = [f"({part})" if " OR " in part.upper() and len(expressions) > 1 else part for part in expressions]
    return {"license": "other", "license_name": " AND ".join(parts)}


def hub_name(expression: str) -> str | None:
    """The Hub's identifier of one SPDX licence; None if it has none."""
    name = expression.lower().removesuffix("-only").removesuffix("-or-later")
    name = {"odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "pddl-1.0": "pddl"}.get(name, name)
    return name if name in _HUB else None


_HUB_NAMES = """
apache-2.0 mit bsd-2-clause bsd-3-clause bsd-3-clause-clear cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0
cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gpl-2.0
gpl-3.0 lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl
"""
_HUB = frozenset(_HUB_NAMES.split())
"""The SPDX licences that the Hub knows. Source: huggingface.co/docs/hub/repositories-licenses."""
