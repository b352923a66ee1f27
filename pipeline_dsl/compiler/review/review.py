"""A review: one proposed manifest in, findings and a verdict out. Nothing that it names is imported, opened or run.

text -> tree -> declarations -> compile (the passes and checks of `pdsl check`) -> chain, rollback, money, figures
"""

import re
from collections.abc import Iterable
from typing import Literal

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Related, Severity
from pipeline_dsl.base.span import Span, remember
from pipeline_dsl.compiler.checks.release_broken import ReleaseBroken
from pipeline_dsl.compiler.checks.stage_undescribed import StageUndescribed
from pipeline_dsl.compiler.compile import compile_loaded
from pipeline_dsl.compiler.review import chain, changes, evidence, figures, installed, overrides, rollback, short, spending
from pipeline_dsl.compiler.review.declaration import declare
from pipeline_dsl.compiler.review.findings import REVIEWED, FieldUnknown, NotFinished, NotReadable, TypeTold
from pipeline_dsl.compiler.review.form import misshapen
from pipeline_dsl.compiler.review.subject import UNFINISHED, Subject
from pipeline_dsl.compiler.review.tree import ADVICE, Refused, Tree, grown
from pipeline_dsl.store.manifest import MAX_BYTES, SCHEMA
from pipeline_dsl.store.store import Store

Verdict = Literal["APPROVE", "REFUSE"]


@attrs.frozen(kw_only=True)
class Review:
    """What came of a manifest. `broken` says that a digest in it does not hold."""

    file: str
    findings: tuple[Diagnostic, ...]
    pipeline: str = ""
    status: str = ""
    stages: int = 0
    gates: int = 0
    ships: str | None = None
    cost_usd: float | None = None
    """What the stages cost, or are expected to."""
    lines: frozenset[int] | None = None
    """The lines that a diff changes; None where the whole file is reviewed."""

    def marked(self, lines: frozenset[int]) -> "Review":
        """The same review of a file of which a diff changes these lines."""
        return attrs.evolve(self, lines=lines)

    def is_new(self, finding: Diagnostic) -> bool:
        """Whether a finding is on a line that a diff changes."""
        return self.lines is not None and finding.span is not None and finding.span.line in self.lines

    @property
    def errors(self) -> int:
        """How many of the findings refuse it."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def verdict(self) -> Verdict:
        """REFUSE if anything is wrong; warnings are for the reviewer to weigh."""
        return "REFUSE" if self.errors else "APPROVE"

    @property
    def broken(self) -> bool:
        """Whether a digest does not hold."""
        return any(finding.code in _BROKEN for finding in self.findings)


_BROKEN = frozenset(kind.code for kind in REVIEWED if kind.broken)


@attrs.frozen(kw_only=True)
class Terms:
    """What a reviewer brings along: stage types that he trusts, an earlier manifest to compare with, and the store of the run."""

    types: installed.Types = attrs.field(factory=installed.installed)
    against: Subject | None = None
    store: Store | None = None


def review(raw: bytes, file: str, terms: Terms) -> Review:
    """Judge the manifest whose bytes these are; `file` is what findings call it."""
    found: list[Diagnostic] = []
    try:
        text = _text(raw, file)
        remember(file, text)
        tree, found = _read(text, file)
    except Refused as refused:
        return Review(file=file, findings=_told([*found, refused.finding]))
    found += _head(tree, file)
    brief = short.is_short(tree)
    found += () if brief else misshapen(tree)
    tree = short.expanded(tree, found) if brief else tree
    declared = declare(tree, file, terms.types, found)
    if brief:  # all of its stages are told
        found = [finding for finding in found if finding.code != TypeTold.code]
    compiled = (
        None if declared.loaded is None else compile_loaded(declared.loaded, without=(ReleaseBroken, StageUndescribed), allowing=False)
    )
    subject = Subject(tree=tree, declared=declared, compiled=compiled, short=brief)
    found += compiled.diagnostics if compiled else ()
    for step in (chain.links, overrides.claimed, rollback.plans, spending.money, figures.figures):
        found += step(subject)
    if terms.store is not None:
        found += evidence.held_against(subject, terms.store)
    if terms.against is not None:
        found += changes.red_flags(subject, terms.against)
    return _summary(file, subject, found)


def subject_of(raw: bytes, file: str, types: installed.Types) -> Subject:
    """A manifest that others are compared with; its own findings are not asked for.

    Raises: Refused if it is no manifest.
    """
    found: list[Diagnostic] = []
    tree, _ = _read(_text(raw, file), file)
    brief = short.is_short(tree)
    tree = short.expanded(tree, found) if brief else tree
    return Subject(tree=tree, declared=declare(tree, file, types, found), compiled=None, short=brief)


def _read(text: str, file: str) -> tuple[Tree, list[Diagnostic]]:
    """The tree of a manifest, also where a gate such as `mmlu: >= 40` lacks its quotes.

    Raises: Refused.
    """
    try:
        tree, found = grown(text, file)
    except Refused:
        if (repaired := short.repaired(text)) == text:
            raise
        tree, found = grown(repaired, file)
    if not isinstance(tree.value, dict):
        raise Refused(NotReadable.finding("this is no mapping, as a manifest is", tree.span, help=ADVICE))
    return short.by_name(tree, found), found


def _text(raw: bytes, file: str) -> str:
    if len(raw) > MAX_BYTES:
        raise Refused(NotReadable.finding(f"this file has {len(raw):,} bytes or more; a manifest has at most {MAX_BYTES:,}", Span(file, 1)))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refused(NotReadable.finding("this file is no UTF-8 text", Span(file, line), help="save it as UTF-8")) from error


def _head(tree: Tree, file: str) -> Iterable[Diagnostic]:
    """What is wrong with a manifest as a whole."""
    version, status = tree.items.get("manifest_version"), tree.items.get("status")
    if version is not None and version.value != SCHEMA:
        text = f"this is a manifest of format {version.text or 'unknown':.40}; this pdsl reads format {SCHEMA}"
        help = "review it with the pdsl that it was written for"
        if version.text == str(SCHEMA):
            text, help = "the format of a manifest is a number, not a text", f"write `manifest_version: {SCHEMA}`, without quotes"
        yield FieldUnknown.finding(text, version.span, help=help)
    pending = tree.items["pending"].members if "pending" in tree.items else []
    if status is not None and status.value == "complete" and pending:
        text = f"this run is said to be complete, and {pending[0].text or 'a stage'!r:.60} is pending"
        yield NotFinished.finding(text, tree.items["pending"].key, help="review what the run wrote when it had come to its end")
    if status is None or status.value in ("proposed", "complete"):
        return
    if status.text in UNFINISHED:
        stage = tree.items.get("failed_stage")
        text = f"this run {UNFINISHED[status.text]}{f' at `{stage.text}`' if stage is not None and stage.value and stage.text else ''}"
        yield NotFinished.finding(text, status.span, help="run it to its end, or review its proposal: `pdsl plan TARGET --manifest FILE`")
        return
    help = "a status is proposed, running, complete, failed, held or interrupted"
    yield FieldUnknown.finding(f"{status.text or status.plain!s:.40} is no status of a run", status.span, help=help)


def _summary(file: str, subject: Subject, found: list[Diagnostic]) -> Review:
    top = subject.tree.items
    ships = subject.ships
    return Review(
        file=file,
        findings=_told(found),
        pipeline=_tame(top["pipeline"].text or "") if "pipeline" in top else "",
        status=_tame(top["status"].text or "") if "status" in top else "proposed",
        stages=len(subject.entries),
        gates=len(subject.gates),
        ships=None if ships is None else _tame(ships),
        cost_usd=spending.total(subject),
    )


def _told(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings in order, each once, without a character that could command whoever prints them."""
    tamed = [
        attrs.evolve(
            finding,
            message=_tame(finding.message),
            label=_tame(finding.label),
            help=_tame(_as_data(finding.help)),
            related=tuple(Related(_tame(related.text), related.span) for related in finding.related),
        )
        for finding in found
    ]
    return tuple(sorted(dict.fromkeys(tamed), key=lambda finding: finding.order))


_PYTHON = (
    (re.compile(r'metric\("([^"]+)", of=\.\.\.\)'), r"\1 >= ... of STAGE"),
    (re.compile(r'metric\("([^"]+)"\)'), r"\1"),
    (re.compile(r"\b(\w+)=\w+\((\w+)=([\d.]+)[^)]*\)"), r"\1: {\2: \3}"),
    (re.compile(r'\b(\w+)="([^"`]+)"'), r"\1: \2"),
    (re.compile(r"`(\w+)=`"), r"`\1:`"),
)
"""How the checks spell what to write, in a pipeline file, and how a manifest spells it."""


def _as_data(help: str) -> str:
    for pattern, spelled in _PYTHON:
        help = pattern.sub(spelled, help)
    return help


_COMMANDING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def _tame(value: str) -> str:
    return _COMMANDING.sub(lambda found: found.group().encode("unicode_escape").decode(), value)[:2000]
