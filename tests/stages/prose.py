"""Text in the test's own words: sentences enough that filters, tokenizers and hashes have something to work on."""

import json
import random
from typing import Any

from pipeline_dsl.lang.artifacts import Corpus
from pipeline_dsl.lang.stage import Ref
from pipeline_dsl.ml.documents import Document
from tests.stages.workbench import Workbench

_WHO = ("the miller", "a sailor", "the old teacher", "my neighbour", "the youngest daughter", "a doctor", "the baker", "an officer")
_DID = ("carried", "painted", "sold", "repaired", "borrowed", "forgot", "described", "measured", "hid", "counted")
_WHAT = ("a wooden boat", "the silver clock", "seven letters", "the northern gate", "a basket of plums", "the long table", "two maps")
_WHEN = ("before the rain came", "in the spring of that year", "while the others slept", "after the market had closed", "at noon")
_WHY = ("to pay for the journey", "because nobody had asked", "and told the village about it", "with great care", "for her brother")


def paragraph(seed: int, sentences: int = 12) -> str:
    """Some sentences that no other seed gives in this order."""
    choose = random.Random(seed).choice
    parts = (f"{choose(_WHO)} {choose(_DID)} {choose(_WHAT)} {choose(_WHEN)} {choose(_WHY)}." for _ in range(sentences))
    return " ".join(part[0].upper() + part[1:] for part in parts) + f" That was entry {seed}."


def corpus(bench: Workbench, *texts: str, groups: tuple[str | None, ...] = (), counts: dict[str, int] | None = None) -> Ref[Corpus]:
    """A corpus of these texts."""
    pairs = zip(texts, groups or (None,) * len(texts), strict=True)
    lines = b"".join(Document.of(text, group=group).line() for text, group in pairs)
    meta = Corpus(documents=len(texts), characters=sum(map(len, texts)), licences=("CC0-1.0",), counts=counts or {})
    return bench.give(meta, {"documents-00000.jsonl": lines})


def records(bench: Workbench, ref: Ref[Corpus]) -> list[dict[str, Any]]:
    """What a corpus holds, line by line."""
    return [json.loads(line) for _, data in sorted(bench.files(ref).items()) for line in data.decode().split("\n") if line]


def texts(bench: Workbench, ref: Ref[Corpus]) -> list[str]:
    """The texts of a corpus."""
    return [record["text"] for record in records(bench, ref)]
