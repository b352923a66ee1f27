"""Conversations: from the files of an artifact to token ids, in the tokenizer's own chat template."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import attrs

from pipeline_dsl.base.fault import WrongArtifact

Message = dict[str, str]
Messages = list[Message]
Ids = list[int]

IGNORED = -100
"""The label of a token that carries no loss, as torch's cross-entropy and TRL know it."""


@attrs.frozen
class Pair:
    """A prompt with the answer that was preferred and the one that was not."""

    prompt: Messages
    chosen: Messages
    rejected: Messages


@attrs.frozen
class PairIds:
    """A pair as token ids: each answer follows the prompt and has its end token."""

    prompt: Ids
    chosen: Ids
    rejected: Ids

    @property
    def longest(self) -> int:
        """Tokens of the longer of the two sequences."""
        return len(self.prompt) + max(len(self.chosen), len(self.rejected))


@attrs.frozen
class Turns:
    """A conversation as token ids; a label is the token itself where an assistant speaks, `IGNORED` elsewhere."""

    ids: Ids
    labels: Ids


def user(text: str) -> Message:
    """A message from the user."""
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    """A message from the assistant."""
    return {"role": "assistant", "content": text}


def read_chats(folder: Path) -> list[Messages]:
    """The conversations of a `Chats` artifact, in the order of its files and lines.

    Raises: WrongArtifact.
    """
    return [_messages(row, "messages", place) for place, row in _rows(folder)]


def read_pairs(folder: Path) -> list[Pair]:
    """The pairs of a `Preferences` artifact, in the order of its files and lines.

    Raises: WrongArtifact.
    """
    return [Pair(*(_messages(row, key, place) for key in ("prompt", "chosen", "rejected"))) for place, row in _rows(folder)]


def read_prompts(folder: Path) -> list[Messages]:
    """The prompts of a `Prompts` artifact, in the order of its files and lines.

    Raises: WrongArtifact.
    """
    return [_messages(row, "prompt", place) for place, row in _rows(folder)]


def read_exercises(folder: Path) -> list[tuple[Messages, str]]:
    """The exercises of an `Exercises` artifact, each with its answer, in the order of its files and lines.

    Raises: WrongArtifact.
    """
    found: list[tuple[Messages, str]] = []
    for place, row in _rows(folder):
        answer: Any = row.get("answer")
        if not isinstance(answer, str) or not answer.strip():
            raise WrongArtifact(f"{place} has no text under `answer`")
        found.append((_messages(row, "prompt", place), answer))
    return found


def encode_chats(tokenizer: Any, chats: Sequence[Messages], *, max_length: int) -> list[Turns]:
    """Whole conversations, cut to `max_length` tokens; one whose assistant says nothing before the cut is left out.

    Which tokens an assistant speaks comes from the template's `{% generation %}` marks.
    Raises: WrongArtifact if the template marks none at all.
    """
    encoded = tokenizer.apply_chat_template(list(chats), tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
    rows: list[Turns] = []
    for ids, spoken in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True):
        if any(spoken[:max_length]):
            labels = [token if said else IGNORED for token, said in zip(ids, spoken, strict=True)]
            rows.append(Turns(ids[:max_length], labels[:max_length]))
    if chats and not rows:
        raise WrongArtifact(
            f"no assistant speaks in any of {len(chats)} conversations",
            help="the chat template must put {% generation %} around assistants' turns, and they must begin before `max_length`",
        )
    return rows


def encode_prompts(tokenizer: Any, prompts: Sequence[Messages]) -> list[Ids]:
    """Prompts, each up to where the assistant begins to speak."""
    if not prompts:
        return []
    encoded = tokenizer.apply_chat_template(list(prompts), tokenize=True, return_dict=True, add_generation_prompt=True)
    return [list(ids) for ids in encoded["input_ids"]]


def encode_pairs(tokenizer: Any, pairs: Sequence[Pair], *, max_length: int) -> list[PairIds]:
    """Pairs, without those of which a sequence is longer than `max_length` tokens.

    Raises: WrongArtifact if the template writes a prompt differently when an answer follows, or no pair is left.
    """
    prompts = encode_prompts(tokenizer, [pair.prompt for pair in pairs])
    chosen = _answers(tokenizer, prompts, [pair.prompt + pair.chosen for pair in pairs])
    rejected = _answers(tokenizer, prompts, [pair.prompt + pair.rejected for pair in pairs])
    rows = [PairIds(*ids) for ids in zip(prompts, chosen, rejected, strict=True)]
    kept = [row for row in rows if row.longest <= max_length]
    if not kept:
        raise WrongArtifact(f"none of {len(pairs)} pairs fits into {max_length} tokens", help="raise `max_length`")
    if len(kept) < len(rows):
        print(f"{len(rows) - len(kept)} of {len(rows)} pairs are longer than {max_length} tokens and left out", flush=True)
    return kept


def _answers(tokenizer: Any, prompts: Sequence[Ids], whole: Sequence[Messages]) -> list[Ids]:
    """What follows each prompt in the whole conversation that begins with it."""
    encoded: Any = tokenizer.apply_chat_template(list(whole), tokenize=True, return_dict=True) if whole else {"input_ids": []}
    answers: list[Ids] = []
    for prompt, ids in zip(prompts, encoded["input_ids"], strict=True):
        if ids[: len(prompt)] != prompt:
            raise WrongArtifact(
                "the chat template writes a prompt differently once an answer follows it",
                help="log-probabilities of answers need a template in which the prompt's tokens stay as they are",
            )
        answers.append(list(ids[len(prompt) :]))
    return answers


def _rows(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(folder.glob("*.jsonl")):
        with file.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                place = f"{file.name}:{number}"
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise WrongArtifact(f"{place} is no JSON: {error}") from error
                if not isinstance(row, dict):
                    raise WrongArtifact(f"{place} is no JSON object")
                yield place, cast("dict[str, Any]", row)


def _messages(row: dict[str, Any], key: str, place: str) -> Messages:
    found = row.get(key)
    if not isinstance(found, list) or not found:
        raise WrongArtifact(f"{place} has no list of messages under `{key}`")
    for message in cast("list[Any]", found):
        fits = isinstance(message, dict) and all(isinstance(cast("dict[str, Any]", message).get(part), str) for part in ("role", "content"))
        if not fits:
            raise WrongArtifact(f"{place} has under `{key}` what is no message: {message!r:.80}")
    return [{"role": message["role"], "content": message["content"]} for message in cast("list[Message]", found)]
