"""How much of the evaluation data is in the training data."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.lang.artifacts import Chats, ContaminationReport, Corpus, EvalSuite, Preferences, Prompts
from pipeline_dsl.lang.fields import Count, execution, held_out
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.stages.matching.items import Item, data_items, suite_items, wanted
from pipeline_dsl.stages.matching.report import Scanned, Text, write
from pipeline_dsl.stages.matching.searching import looked_through
from pipeline_dsl.stages.matching.shards import parts

if TYPE_CHECKING:
    from pipeline_dsl.ml.wanted import Index

TOKENS_PER_SECOND = 5e6
"""Words, on one core; measured on prose."""


class Contamination(Stage[ContaminationReport]):
    """Look for every item of the evaluation data in everything that is learnt from.

    An item is contaminated if some training text has `ngram` of its words in a row, whatever their case, accents, punctuation and
    spacing. Words are what stands between blanks. An item without so long a text is looked for whole: inside training
    texts if it has `shortest` words, as a whole training text (a document, a message) if it has fewer; "yes" is not looked for.
    What is found is compared character by character, so no collision of hashes counts.

    `hits.jsonl` has a line for each contaminated item: which words, and the first places where they are, with what is around
    them. `report.json` counts. Neither depends on how many processes looked.

    The evaluation data is held in memory, once, about 25 bytes a character. Of the training data each process holds at most a
    hundred thousand characters or the longest text, about 30 bytes a character: how much there is makes no difference.

    Source: Brown et al. (2020), arXiv:2005.14165, appendix C (13-grams without case and punctuation, at least 8 words); the
    same in lm-eval's decontamination and, by words of a tokenizer, in datatrove's.
    """

    training: Mapping[str, Ref[Corpus | Chats | Preferences | Prompts]]
    """All that is learnt from, by names for the report."""
    held: Mapping[str, Ref[EvalSuite | Corpus | Chats | Preferences | Prompts]] = held_out()
    """All that is measured on. Of a suite each task is a set of its own."""
    ngram: Count = 13
    """Words in a row that contaminate an item."""
    shortest: Count = 8
    """Words that an item needs to be looked for inside other texts."""
    processes: Count | None = execution(default=None)
    """How many look at once; all cores that the stage may use, if not said."""

    def cores(self) -> int:
        return self.processes or 1

    def cost(self, sizes: Sizes) -> Work:
        known = [sizes[data].tokens for data in self.training.values()]
        return Work(seconds=Seconds(2 + sum(count or 0 for count in known) / TOKENS_PER_SECOND / self.cores()))

    def problems(self) -> Iterator[Problem]:
        if not self.training:
            yield Problem("training", "there is nothing to look through", 'name what is learnt from: training={"text": train}')
        if not self.held:
            yield Problem("held", "there is nothing to look for", 'name what is measured on: held={"questions": suite}')
        if not 8 <= self.shortest <= self.ngram:
            yield Problem("shortest", f"{self.shortest} is not from 8 to `ngram`, {self.ngram}", "fewer than 8 words meet by chance")

    def measures(self) -> Iterable[str]:
        return ("contamination", "contamination_exact", "contamination_ngram", "contamination_worst")

    def run(self, work: Workspace) -> ContaminationReport:
        work.library("numpy")
        from pipeline_dsl.ml.wanted import Index

        items = list(self._items(work))
        looked_for = list(wanted(items, self.ngram, self.shortest))
        if not looked_for:
            raise StageFailed(f"none of {len(items)} items has a text that could be recognized", help="measure on something else")
        scanned = self._scanned(work, Index.of([one for _, _, one in looked_for]))
        digests = {name: work.digest(data) for name, data in (*self.training.items(), *self.held.items())}
        return write(work.output, items, [Text(number, text, one.words) for number, text, one in looked_for], scanned, digests)

    def _items(self, work: Workspace) -> Iterator[Item]:
        for name, data in sorted(self.held.items()):
            meta = work.meta(data)
            if isinstance(meta, EvalSuite):
                yield from suite_items(name, work.path(data), work.scratch)
            else:
                yield from data_items(name, work.path(data), type(meta))

    def _scanned(self, work: Workspace, index: "Index") -> Scanned:
        """All that was seen, put together in the order of the training data."""
        todo = [part for name, data in sorted(self.training.items()) for part in parts(name, type(work.meta(data)), work.path(data))]
        scanned, line = Scanned(), 0
        found_in = looked_through(todo, index, self.processes or len(os.sched_getaffinity(0)))
        for number, (part, found) in enumerate(zip(todo, found_in, strict=True), 1):
            line = line if part.begin else 0
            scanned.take(part.data, found, line)
            line += found.lines
            work.progress(number, len(todo), found=len(scanned.seen))
        for name in self.training:
            if name not in scanned.counts or not scanned.counts[name]["texts"]:
                raise StageFailed(
                    f"`{name}` holds no text, so nothing was looked through", help="leave it out of `training`, or find out why"
                )
        return scanned
