"""Published files into a corpus: read, repaired, filtered, redacted, each document named by its text."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.base.units import Seconds, Tokens
from pipeline_dsl.lang.artifact import kind_name
from pipeline_dsl.lang.artifacts import Corpus, Source
from pipeline_dsl.lang.fields import Count, execution
from pipeline_dsl.lang.label import Kind
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages.cleaning.page import Page
from pipeline_dsl.stages.cleaning.personal import KINDS, Personal, redact
from pipeline_dsl.stages.cleaning.pieces import pieces
from pipeline_dsl.stages.cleaning.quality import Bullets, Ellipses, Letters, StopWords, Symbols, WordLength, Words
from pipeline_dsl.stages.cleaning.repetition import RepeatedLines, RepeatedParagraphs, RepeatedPhrases, TopPhrases
from pipeline_dsl.stages.fetching.patterns import is_notice, matches

Filter = (
    Words
    | WordLength
    | Symbols
    | Bullets
    | Ellipses
    | Letters
    | StopWords
    | RepeatedLines
    | RepeatedParagraphs
    | TopPhrases
    | RepeatedPhrases
)
"""A rule that a document must keep to."""

GOPHER: tuple[Filter, ...] = (
    Words(),
    WordLength(),
    Symbols(),
    Bullets(),
    Ellipses(),
    Letters(),
    StopWords(),
    RepeatedLines(),
    RepeatedParagraphs(),
    TopPhrases(),
    RepeatedPhrases(),
)
"""All rules of Rae et al. (2021), arXiv:2112.11446, appendix A1.1, with their thresholds. The stop words are English."""

CHARACTERS_PER_TOKEN = 4
CHARACTERS_PER_SECOND = 1e6
"""On one core, all steps; measured on prose."""


class Ingest(Stage[Corpus]):
    """Read the documents of some sources and clean them.

    In this order: encoding repair, quality filters on the whole document, language, personal data, cutting into pieces.
    One document is in memory at a time. `counts` tells what was dropped by which filter, and what was redacted.
    """

    sources: tuple[Ref[Source], ...]
    files: tuple[str, ...] = ("**/*.txt", "**/*.md", "**/*.html", "**/*.htm", "**/*.xhtml", "**/*.jsonl")
    """Glob patterns of the files that are read, by what their suffix says they are. Legal notices never are."""
    text_field: str = "text"
    """Where a line of JSON holds its text; `group`, if there is one, is taken over."""
    repair: bool = True
    filters: tuple[Filter, ...] = GOPHER
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the languages that are kept; none keeps all."""
    redact: tuple[Personal, ...] = KINDS
    piece: Count | None = None
    """Cut documents into pieces of at most so many characters; the pieces of one document are one group."""
    tokens: Count | None = execution(default=None)
    """About how many tokens of text there are, if somebody knows; only estimates use it."""

    def clears(self) -> tuple[Kind, ...]:
        return ("personal",) if self.redact else ()

    def size(self, sizes: Sizes) -> Size:
        return Size(tokens=None if self.tokens is None else Tokens(self.tokens))

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=Seconds(2 + (self.tokens or 0) * CHARACTERS_PER_TOKEN / CHARACTERS_PER_SECOND))

    def problems(self) -> Iterator[Problem]:
        if not self.sources:
            yield Problem("sources", "there is nothing to read", "name at least one source: sources=(letters,)")
        for code in self.languages:
            if len(code) != 2 or not code.islower() or not code.isalpha():
                yield Problem("languages", f"`{code}` is no ISO 639-1 code", 'two small letters, such as "en"')
        for kind in self.redact:
            if kind not in KINDS:
                yield Problem("redact", f"`{kind}` is no kind of personal data", f"the kinds are {', '.join(KINDS)}")
        for rule in self.filters:
            low, high = getattr(rule, "low", 0), getattr(rule, "high", None)
            if high is not None and low > high:
                yield Problem("filters", f"{type(rule).__name__} keeps nothing: {low} is above {high}")

    def run(self, work: Workspace) -> Corpus:
        from pipeline_dsl.ml.documents import CorpusWriter

        counts: Counter[str] = Counter()
        clean = self._cleaner(work, counts)
        with CorpusWriter(work.output) as writer:
            found = self._found(work)
            for number, (source, root, file) in enumerate(found):
                if number % 50 == 0:
                    work.progress(number, len(found), documents=writer.documents, dropped=_dropped(counts))
                counts["ingest.files"] += 1
                for document in clean(source, root, file):
                    writer.write(document)
        licences = tuple(sorted({work.meta(source).licence for source in self.sources}))
        return writer.corpus(licences=licences, counts=counts)

    def _found(self, work: Workspace) -> list[tuple[Source, Path, Path]]:
        """(source, its folder, file) of all that is read, sorted within each source."""
        found: list[tuple[Source, Path, Path]] = []
        for ref in self.sources:
            root, source = work.path(ref), work.meta(ref)
            paths = sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file())
            kept = [path for path in paths if not is_notice(path) and any(matches(path, pattern) for pattern in self.files)]
            if not kept:
                raise StageFailed(f"no file of {source.origin} fits `files`", help=f"it holds {', '.join(paths[:8])} ...")
            found.extend((source, root, root / path) for path in kept)
        return found

    def _cleaner(self, work: Workspace, counts: Counter[str]) -> "Callable[[Source, Path, Path], Iterator[Any]]":
        from pipeline_dsl.ml.documents import Document, text_id
        from pipeline_dsl.stages.cleaning.reading import Reader

        reader = Reader(work.library("resiliparse.parse.encoding"), work.library("resiliparse.extract.html2text"), self.text_field)
        better = self._repairer(work, counts)
        wanted = self._language_filter(work)

        def clean(source: Source, root: Path, file: Path) -> Iterator[Document]:
            known = {"source": source.origin, "licence": source.licence, "path": file.relative_to(root).as_posix()}
            for raw in reader.read(file):
                counts["ingest.read"] += 1
                text = better(raw.text)
                reason = self._fault(text) or (None if wanted(text) else "language")
                if reason:
                    counts[f"ingest.dropped.{reason}"] += 1
                    continue
                text, redacted = redact(text, self.redact)
                for kind, count in redacted.items():
                    counts[f"ingest.redacted.{kind}"] += count
                if self.piece is None:
                    yield Document.of(text, group=raw.group, **known)
                    continue
                for piece in pieces(text, self.piece):
                    yield Document.of(piece, group=raw.group or text_id(text), **known)

        return clean

    def _fault(self, text: str) -> str | None:
        """The first rule that a text breaks; None if it keeps to all."""
        if not text:
            return "empty"
        page = Page(text)
        return next((kind_name(type(rule)) for rule in self.filters if not rule.keeps(page)), None)

    def _repairer(self, work: Workspace, counts: Counter[str]) -> Callable[[str], str]:
        from pipeline_dsl.stages.cleaning.encoding import repair, tidy

        if not self.repair:
            return tidy
        ftfy = work.library("ftfy")

        def better(text: str) -> str:
            tidied = tidy(text)
            repaired = tidy(repair(text, ftfy))
            counts["ingest.repaired"] += tidied != repaired
            return repaired

        return better

    def _language_filter(self, work: Workspace) -> Callable[[str], bool]:
        from pipeline_dsl.stages.cleaning.language import recognizer

        if not self.languages:
            return lambda text: True
        codes = recognizer(work.library("lingua"))
        return lambda text: codes((text,))[0] in self.languages


def _dropped(counts: Counter[str]) -> int:
    return sum(count for name, count in counts.items() if name.startswith("ingest.dropped."))
