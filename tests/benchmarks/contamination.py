"""How fast evaluation data is found in training data, beside lm-eval's and datatrove's own decontamination, and how much of it."""

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from pipelines.tiny import addresses
from tests.benchmarks.ours import environment
from tests.benchmarks.table import Row, absent, at_least, at_most
from tests.benchmarks.usage import Failed, Usage, measure
from tests.stages.workbench import Workbench

WORDS = 3_000_000
"""Of training data; datatrove takes a minute and a half of CPU time for them."""
LARGE = 10
"""How many times as many, for what does not depend on them."""
ITEMS = 1600
LENGTH = 80
"""Words of an item."""
EACH = 100
"""Overlaps that are planted of each kind."""
FASTER = 10.0

KINDS: Mapping[str, Callable[[str], str]] = {
    "exact": str,
    "case": str.upper,
    "spacing": lambda text: text.replace(" ", "  \n"),
    "punctuation": lambda text: text.replace(",", "").replace(" the ", ", the ").replace(" and ", "; and "),
}

PREPARE = "import sys; from pathlib import Path; from tests.benchmarks.contamination import prepare; prepare(Path(sys.argv[1]))"

OURS = """
import json, sys, time
from pathlib import Path
from pipeline_dsl.lang.artifacts import Corpus
from pipeline_dsl.stages import Contamination
from tests.stages.workbench import Workbench
import numpy  # as the others' libraries: imported before the clock starts
from pipeline_dsl.stages.matching import report, shards
report.SHOWN = shards.SHOWN = 1_000_000  # every place, so that recall can be counted by document
folder, train, cores = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
bench = Workbench(folder / "ours")
def link(name):
    made = bench.give(Corpus(documents=1, characters=1), {})
    bench.path(made).mkdir(parents=True)
    (bench.path(made) / "documents.jsonl").symlink_to(folder / name)
    return made
stage = Contamination(training={"train": link(train)}, held={"items": link("eval.jsonl")}, processes=cores)
start = time.perf_counter()
bench.run(stage)
seconds = time.perf_counter() - start
hits = map(json.loads, (bench.path(stage) / "hits.jsonl").open())
found = sorted({seen["id"] for hit in hits for seen in hit["seen"]})
(folder / "found.json").write_text(json.dumps([seconds, found]))
"""

LM_EVAL = """
import json, sys, time
from pathlib import Path
from lm_eval.decontamination.janitor import Janitor
folder, train = Path(sys.argv[1]), sys.argv[2]
start = time.perf_counter()
janitor = Janitor(ngram_n=13, minimum_slice_length=0)
for line in (folder / "eval.jsonl").open():
    janitor.register_contaminant_python(json.loads(line)["text"])
found = []
for line in (folder / train).open():
    document = json.loads(line)
    if janitor.clean_python(document["text"]) != [document["text"]]:
        found.append(document["id"])
(folder / "found.json").write_text(json.dumps([time.perf_counter() - start, found]))
"""

DATATROVE = """
import json, sys, time
from pathlib import Path
import numpy
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter

if __name__ == "__main__":
    folder, train, cores = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    made = folder / "datatrove"
    (made / "index").mkdir(parents=True)
    start = time.perf_counter()
    config = NGramsDecontConfig(n_grams=13)
    NGramsDecontIndexer._requires_dependencies = []  # of lighteval, which its `run` asks for tasks; only its hashes are needed here
    indexer = NGramsDecontIndexer(str(made / "index"), config=config)
    hashes = {value for line in (folder / "eval.jsonl").open() for value in indexer.compute_hashes(json.loads(line)["text"])}
    numpy.array(list(hashes), dtype=config.hash_config.np_descr).tofile(made / "index" / "items.index.hashes")
    found = NGramsDecontFilter(str(made / "index"), config=config, exclusion_writer=JsonlWriter(str(made / "found"), compression=None))
    lines = (folder / train).read_bytes().splitlines(keepends=True)
    (made / "in").mkdir()
    for core in range(cores):
        (made / "in" / f"{core}.jsonl").write_bytes(b"".join(lines[core::cores]))
    kept = JsonlWriter(str(made / "kept"), compression=None)
    LocalPipelineExecutor([JsonlReader(str(made / "in")), found, kept], tasks=cores, workers=cores, logging_dir=str(made / "log")).run()
    seconds = time.perf_counter() - start
    ids = [json.loads(line)["id"] for file in (made / "found").rglob("*.jsonl") for line in file.open()]
    (folder / "found.json").write_text(json.dumps([seconds, ids]))
"""


@attrs.frozen
class Search:
    """One tool's search: what it took, the seconds of the search alone, and the documents that it found."""

    usage: Usage
    seconds: float
    found: frozenset[str]


def rows(folder: Path, datatrove: Path | None, cores: int) -> Iterator[Row]:
    """All three on the same data, then ours on more. `datatrove` is the interpreter of its environment."""
    try:
        measure([sys.executable, "-c", PREPARE, folder], cwd=folder, environment=environment())  # what it takes is not ours to keep
    except Failed as failure:
        yield absent("find evaluation data in training data", f"no text: {str(failure).splitlines()[-1]}"[:80])
        return
    planted = {kind: frozenset(documents) for kind, documents in json.loads((folder / "planted.json").read_text()).items()}
    ours = _searched(folder, sys.executable, OURS, cores)
    peers = {"lm-eval": (sys.executable, LM_EVAL)} | ({"datatrove": (str(datatrove), DATATROVE)} if datatrove else {})
    for name, (python, code) in peers.items():
        theirs = _searched(folder, python, code, cores)
        yield from _compared(name, ours, theirs, planted)
    if datatrove is None:
        yield absent("the same beside datatrove", "no environment: --peers FOLDER --install-peers")
    large = _searched(folder, sys.executable, OURS, cores, "large.jsonl")
    yield at_most(
        f"search {LARGE * WORDS / 1e6:g}M words, peak memory of a process",
        f"{large.usage.peak / 2**20:.0f} MiB, {LARGE * WORDS / large.seconds / 1e6:.1f}M words/s",
        f"{ours.usage.peak / 2**20:.0f} MiB for {WORDS / 1e6:g}M",
        large.usage.peak / ours.usage.peak,
        1.25,
    )


def _compared(name: str, ours: Search, theirs: Search, planted: Mapping[str, frozenset[str]]) -> Iterator[Row]:
    yield at_least(
        f"find {ITEMS} items in {WORDS / 1e6:g}M words, words/s beside {name}",
        f"{WORDS / ours.seconds / 1e6:.2f}M/s",
        f"{WORDS / theirs.seconds / 1e6:.3f}M/s",
        theirs.seconds / ours.seconds,
        FASTER,
    )
    recall = {kind: [len(search.found & documents) / len(documents) for search in (ours, theirs)] for kind, documents in planted.items()}
    yield Row(
        f"the same, found of {EACH} planted each: {', '.join(planted)}",
        " ".join(f"{mine:.2f}" for mine, _ in recall.values()),
        " ".join(f"{other:.2f}" for _, other in recall.values()),
        "",
        "no less",
        all(mine >= other for mine, other in recall.values()),
    )
    yield _shown("the same, CPU of the whole command", lambda usage: usage.cpu, "{:.1f} s", ours, theirs)
    yield _shown("the same, peak memory of a process", lambda usage: usage.peak / 2**20, "{:.0f} MiB", ours, theirs)


def _shown(what: str, figure: Callable[[Usage], float], spelled: str, ours: Search, theirs: Search) -> Row:
    """A row that has no target: starting Python with numpy is most of what ours takes."""
    mine, other = figure(ours.usage), figure(theirs.usage)
    return Row(what, spelled.format(mine), spelled.format(other), f"{mine / other:.2f}x", "", None)


def _searched(folder: Path, python: str, code: str, cores: int, train: str = "train.jsonl") -> Search:
    place = folder / f"search-{len(list(folder.glob('search-*')))}"
    place.mkdir()
    for name in ("eval.jsonl", "train.jsonl", "large.jsonl"):
        (place / name).symlink_to(folder / name)
    (place / "search.py").write_text(code)
    quiet = {**environment(), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    usage = measure([python, place / "search.py", place, train, str(cores)], cwd=place, environment=quiet, limit=1800)
    seconds, found = json.loads((place / "found.json").read_text())
    return Search(usage, seconds, frozenset(found))


def prepare(folder: Path) -> None:
    """Write items, training data and more of it, and for each kind the ids of the training documents that hold a part of an item.

    Speeches until 1900 give the items, later ones the training data, over and over, each time with other names in it.
    Raises: Fault if the speeches cannot be fetched.
    """
    bench = Workbench(folder / "text")
    speeches = attrs.evolve(addresses, files=("data/*.txt",))
    bench.run(speeches)
    files = sorted(bench.path(speeches).rglob("*.txt"))
    old = " ".join(file.read_text(errors="replace") for file in files if file.name < "1900").split()
    new = " ".join(file.read_text(errors="replace") for file in files if file.name >= "1900").split()
    draw = random.Random(1)
    starts = draw.sample(range(len(old) - LENGTH), ITEMS)
    items = [" ".join(old[start : start + LENGTH]) for start in starts]
    with (folder / "eval.jsonl").open("w") as stream:
        stream.writelines(json.dumps({"id": f"item{number}", "text": item}) + "\n" for number, item in enumerate(items))
    planted = _write(folder / "train.jsonl", new, items, WORDS, draw)
    (folder / "planted.json").write_text(json.dumps(planted))
    _write(folder / "large.jsonl", new, items, LARGE * WORDS, draw)


def _write(file: Path, words: Sequence[str], items: Sequence[str], total: int, draw: random.Random) -> dict[str, list[str]]:
    """Documents of 250 words, so many in all; in some a part of an item stands in the middle."""
    count = total // 250
    chosen = draw.sample(range(count), EACH * len(KINDS))
    planted = {number: kind for at, kind in enumerate(KINDS) for number in chosen[at * EACH : (at + 1) * EACH]}
    with file.open("w") as stream:
        for number in range(count):
            first = number * 250 % (len(words) - 250)
            salt = "".join(draw.choices("bcdfghklmnprstvz", k=8))
            text = [word if (number + place) % 9 else f"{salt}{place}" for place, word in enumerate(words[first : first + 250])]
            kind = planted.get(number)
            if kind:
                item = draw.choice(items).split()
                length = draw.randint(16, 60)
                begin = draw.randint(0, len(item) - length)
                text[125:125] = [KINDS[kind](" ".join(item[begin : begin + length]))]
            stream.write(json.dumps({"id": str(number), "text": " ".join(text)}) + "\n")
    return {kind: [str(number) for number, planted_kind in planted.items() if planted_kind == kind] for kind in KINDS}
