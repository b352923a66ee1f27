"""From what was seen to figures, and to a line for each contaminated item."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from pipeline_dsl.base.canonical import spell
from pipeline_dsl.base.convert import unstructure
from pipeline_dsl.base.digest import digest_plain
from pipeline_dsl.lang.artifacts import ContaminationReport
from pipeline_dsl.lang.overlap import HITS, Hit, figures, shares, worst
from pipeline_dsl.stages.matching.items import Item
from pipeline_dsl.stages.matching.shards import SHOWN, Found, Seen

if TYPE_CHECKING:
    from pipeline_dsl.ml.wanted import Words


@attrs.frozen(eq=False)
class Text:
    """A text that was looked for: the number of its item, what it says, and its words."""

    item: int
    text: str
    words: "Words"


@attrs.define(eq=False)
class Scanned:
    """What was seen of each text that was looked for, by its number, and how much was looked through."""

    seen: dict[int, Seen] = attrs.field(factory=dict[int, Seen])
    counts: dict[str, Counter[str]] = attrs.field(factory=dict[str, Counter[str]])

    def take(self, data: str, found: Found, line: int) -> None:
        """Take in what was found in a part of some data that begins at a line of its file."""
        counted = {"rows": found.lines, "texts": found.texts, "characters": found.characters}
        self.counts.setdefault(data, Counter()).update(counted)
        for text, seen in found.seen.items():
            self.seen.setdefault(text, Seen()).merge(seen, line)


def write(output: Path, items: Sequence[Item], texts: Sequence[Text], scanned: Scanned, digests: Mapping[str, str]) -> ContaminationReport:
    """Write `hits.jsonl` and `report.json`; their metadata."""
    hits = dict(_hits(items, texts, scanned.seen))
    compared = Counter(items[number].set for number in {text.item for text in texts})
    every, kinds = Counter(item.set for item in items), Counter((hit.set, hit.kind) for hit in hits.values())
    scores, sets = figures(compared, hits.values()), shares(compared, hits.values())
    made = ContaminationReport(
        items=sum(compared.values()),
        unrecognizable=len(items) - sum(compared.values()),
        share=scores["contamination"],
        exact=scores["contamination_exact"],
        ngram=scores["contamination_ngram"],
        worst=worst(sets),
        sets=sets,
        characters=sum(count["characters"] for count in scanned.counts.values()),
    )
    with (output / HITS).open("xb") as stream:
        stream.writelines(spell(unstructure(hit)) + b"\n" for _, hit in sorted(hits.items()))
    summary = {
        "metrics": {name: unstructure(score) for name, score in made.scores.items()},
        "sets": {
            name: {
                "items": every[name],
                "compared": compared[name],
                "exact": kinds[name, "exact"],
                "ngram": kinds[name, "ngram"],
            }
            for name in sorted(every)
        },
        "training": {name: dict(sorted(counts.items())) for name, counts in sorted(scanned.counts.items())},
        "digests": dict(sorted(digests.items())),
    }
    (output / "report.json").write_bytes(json.dumps(summary, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return made


def _hits(items: Sequence[Item], texts: Sequence[Text], seen: Mapping[int, Seen]) -> Iterator[tuple[int, Hit]]:
    """(number of the item, what is said of it) for each contaminated one."""
    by_item: dict[int, list[tuple[Text, Seen]]] = {}
    for number in sorted(seen):
        by_item.setdefault(texts[number].item, []).append((texts[number], seen[number]))
    for number, found in by_item.items():
        runs = [(high - low, len(text.words)) for text, known in found for low, high in known.runs]
        words, of = max(runs)
        matched = tuple((text.text, *_parts(text, known)) for text, known in found)
        shown = [sighting for _, known in found for sighting in known.shown][:SHOWN]
        yield (
            number,
            Hit(
                set=items[number].set,
                item=items[number].name,
                kind="exact" if any(run == whole for run, whole in runs) else "ngram",
                words=words,
                of=of,
                matched=matched,
                seen=tuple(shown),
                digest=digest_plain({"set": items[number].set, "matched": matched}),
            ),
        )


def _parts(text: Text, seen: Seen) -> Iterator[str]:
    """The parts of a text that were seen, as the text spells them."""
    from pipeline_dsl.ml.folding import BREAK, places

    if text.words.characters[0] == BREAK:  # it was looked for as a whole
        yield text.text
        return
    at = places(text.text)
    starts: list[int] = [*text.words.starts.tolist(), len(at)]
    for low, high in seen.runs:
        yield text.text[int(at[starts[low]]) : int(at[starts[high] - 1]) + 1]
