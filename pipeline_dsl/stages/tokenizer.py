"""A byte-level BPE tokenizer, trained on corpora."""

import json
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.base.units import Seconds
from pipeline_dsl.lang.artifacts import Corpus, Tokenizer
from pipeline_dsl.lang.fields import Count
from pipeline_dsl.lang.size import Sizes, Work
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

ALPHABET = 256
"""Every byte is a token, so that no text is unknown."""
SAMPLE = 2_000_000
"""Characters over which characters a token are measured."""
TOKENS_PER_SECOND = 5e5
"""On one core; measured on prose."""


class TrainTokenizer(Stage[Tokenizer]):
    """Learn a vocabulary of byte-level BPE (Sennrich et al., 2016; Radford et al., 2019) with our special tokens.

    Nothing is normalized and every byte is a token: decoding gives back exactly what was encoded. Special tokens have the
    ids from 0, in the order of `ml.chat.SPECIAL`, then `special`; no token is added to a text unasked.
    """

    corpora: tuple[Ref[Corpus], ...]
    vocabulary: Count
    """Tokens in all: special tokens, 256 bytes, merges."""
    special: tuple[str, ...] = ()
    """More special tokens."""
    split_digits: bool = True
    """Each digit is a token of its own, which makes numbers comparable."""
    minimum: Count = 2
    """How often a pair must occur to be merged."""

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """All special tokens, in the order of their ids."""
        from pipeline_dsl.ml.chat import SPECIAL

        return (*SPECIAL, *self.special)

    @property
    def chat_template(self) -> str:
        """The template that models with this tokenizer are taught in, unless a stage brings another."""
        from pipeline_dsl.ml.chat import TEMPLATE

        return TEMPLATE

    def cost(self, sizes: Sizes) -> Work:
        tokens = sum(sizes[corpus].tokens or 0 for corpus in self.corpora)
        return Work(seconds=Seconds(3 + tokens / TOKENS_PER_SECOND))

    def problems(self) -> Iterator[Problem]:
        from pipeline_dsl.ml.chat import SPECIAL

        least = ALPHABET + len(SPECIAL) + len(self.special)
        if not self.corpora:
            yield Problem("corpora", "there is nothing to learn from", "name at least one corpus: corpora=(train,)")
        if self.vocabulary < least:
            yield Problem("vocabulary", f"{self.vocabulary} tokens do not hold the 256 bytes and the special tokens", f"at least {least}")
        if len({*SPECIAL, *self.special}) < len(SPECIAL) + len(self.special) or "" in self.special:
            yield Problem("special", "a special token is empty or is there twice", f"these are there already: {' '.join(SPECIAL)}")

    def run(self, work: Workspace) -> Tokenizer:
        from pipeline_dsl.ml.chat import SPECIAL
        from pipeline_dsl.ml.documents import read

        os.environ["RAYON_NUM_THREADS"] = str(work.threads)
        library = work.library("tokenizers")
        special = [*SPECIAL, *self.special]
        folders = [work.path(corpus) for corpus in self.corpora]
        tokenizer = self._empty(library)
        trainer = library.trainers.BpeTrainer(
            vocab_size=self.vocabulary,
            min_frequency=self.minimum,
            special_tokens=special,
            initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator((document.text for document in chain(*map(read, folders))), trainer)
        size = int(tokenizer.get_vocab_size())
        if size < self.vocabulary:
            help = f"declare vocabulary={size}, or learn from more text"
            raise StageFailed(f"the corpora give {size} tokens, not {self.vocabulary}", help=help)
        tokenizer.save(str(work.output / "tokenizer.json"))
        tokenizer.model.save(str(work.output))
        self._configure(work)
        ratio = _characters_per_token(tokenizer, (document.text for document in chain(*map(read, folders))))
        return Tokenizer(vocabulary=size, characters_per_token=ratio)

    def _empty(self, library: Any) -> Any:
        pre = library.pre_tokenizers
        level = pre.ByteLevel(add_prefix_space=False, use_regex=True)
        tokenizer = library.Tokenizer(library.models.BPE())
        tokenizer.pre_tokenizer = pre.Sequence([pre.Digits(individual_digits=True), level]) if self.split_digits else level
        tokenizer.decoder = library.decoders.ByteLevel()
        return tokenizer

    def _configure(self, work: Workspace) -> None:
        """Write what transformers needs to load the tokenizer, the chat template included."""
        from pipeline_dsl.ml import chat

        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": chat.BOS,
            "eos_token": chat.EOS,
            "pad_token": chat.PAD,
            "additional_special_tokens": [*chat.SPECIAL[3:], *self.special],
            "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"],
            "padding_side": "right",
        }
        (work.output / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        (work.output / "chat_template.jinja").write_text(chat.TEMPLATE, encoding="utf-8")


def _characters_per_token(tokenizer: Any, texts: Iterable[str]) -> float:
    """Characters a token over the first `SAMPLE` characters or so."""
    characters = tokens = 0
    for text in texts:
        part = text[: SAMPLE - characters]
        characters += len(part)
        tokens += len(tokenizer.encode(part, add_special_tokens=False).ids)
        if characters >= SAMPLE:
            break
    return characters / tokens
