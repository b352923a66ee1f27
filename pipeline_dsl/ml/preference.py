"""Learning from pairs of answers, by TRL's RewardTrainer and DPOTrainer, and how well a model ranks pairs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline_dsl.lang.workspace import Workspace
from pipeline_dsl.ml.dialogue import PairIds, encode_pairs, read_pairs
from pipeline_dsl.ml.scoring import Continuation, answer_logprobs, rewards
from pipeline_dsl.ml.tuning import Tuning, arguments, in_order, parameters, score_answers_only, train

__all__ = ["load_reward", "log_ratios", "parameters", "ranked", "ranked_by_reward", "read", "train_dpo", "train_reward"]


def read(tokenizer: Any, folder: Path, max_length: int) -> list[PairIds]:
    """The pairs of a `Preferences` artifact that fit into `max_length` tokens.

    Raises: WrongArtifact.
    """
    return encode_pairs(tokenizer, read_pairs(folder), max_length=max_length)


def load_reward(work: Workspace, folder: Path) -> tuple[Any, Any]:
    """(model, tokenizer) of a reward model: one score a conversation. From a language model, the head's weights are fresh."""
    torch, transformers = work.library("torch"), work.library("transformers")
    torch.set_num_threads(work.threads)
    torch.manual_seed(work.seed)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=1, dtype=torch.float32, local_files_only=True
    )
    model.config.pad_token_id = tokenizer.pad_token_id  # by which it finds a conversation's last token
    return model.eval(), tokenizer


def train_reward(work: Workspace, model: Any, tokenizer: Any, pairs: Sequence[PairIds], tuning: Tuning, folder: Path) -> Any:
    """`model`, trained to score the chosen answer above the rejected one."""
    trl = work.library("trl")
    order = in_order([pair.longest for pair in pairs], tuning)
    columns = {
        "chosen_ids": [pairs[at].prompt + pairs[at].chosen for at in order],
        "rejected_ids": [pairs[at].prompt + pairs[at].rejected for at in order],
    }
    trainer = trl.RewardTrainer(
        model=model,
        args=trl.RewardConfig(**arguments(tuning, folder, len(order)), max_length=None),  # long ones are left out already
        train_dataset=work.library("datasets").Dataset.from_dict(columns),
        processing_class=tokenizer,
    )
    train(trainer, folder, work.progress)
    return trainer.model


def train_dpo(
    work: Workspace,
    model: Any,
    reference: Any,
    tokenizer: Any,
    pairs: Sequence[PairIds],
    tuning: Tuning,
    folder: Path,
    *,
    beta: float,
    nll_weight: float,
) -> Any:
    """`model`, trained by direct preference optimization against `reference`.

    To the loss is added `nll_weight` times the chosen answers' negative log-likelihood a token, which keeps them from becoming
    less likely together with the rejected ones.
    Source: Rafailov et al. (2023), arXiv:2305.18290, equation 7; Pang et al. (2024), arXiv:2404.19733, for the second term.
    """
    trl = work.library("trl")
    score_answers_only()
    order = in_order([pair.longest for pair in pairs], tuning)
    columns = {
        "prompt_ids": [pairs[at].prompt for at in order],
        "chosen_ids": [pairs[at].chosen for at in order],
        "rejected_ids": [pairs[at].rejected for at in order],
    }
    losses = {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, nll_weight]} if nll_weight else {"loss_type": ["sigmoid"]}
    trainer = _of_token_ids(trl.DPOTrainer)(
        model=model,
        ref_model=reference,
        args=trl.DPOConfig(**arguments(tuning, folder, len(order)), beta=beta, max_length=None, **losses),
        train_dataset=work.library("datasets").Dataset.from_dict(columns),
        processing_class=tokenizer,
    )
    train(trainer, folder, work.progress)
    return trainer.model


def _of_token_ids(base: Any) -> Any:
    """A DPOTrainer for data that is token ids already: its own way renders every pair three times, which takes longer than training."""

    class TokenIdsTrainer(base):
        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

    return TokenIdsTrainer


def ranked_by_reward(work: Workspace, model: Any, pairs: Sequence[PairIds]) -> int:
    """Pairs of which a reward model scores the chosen answer higher."""
    scores = rewards(work, model, [pair.prompt + answer for pair in pairs for answer in (pair.chosen, pair.rejected)])
    return sum(chosen > rejected for chosen, rejected in zip(scores[::2], scores[1::2], strict=True))


def log_ratios(work: Workspace, model: Any, pairs: Sequence[PairIds]) -> list[float]:
    """By how much more likely, in nats, a model finds each chosen answer than the rejected one."""
    asked = [Continuation(pair.prompt, answer) for pair in pairs for answer in (pair.chosen, pair.rejected)]
    found = answer_logprobs(work, model, asked)
    return [chosen - rejected for chosen, rejected in zip(found[::2], found[1::2], strict=True)]


def ranked(policy: Sequence[float], reference: Sequence[float]) -> int:
    """Pairs of which the implicit reward, beta log(policy / reference), is higher for the chosen answer."""
    return sum(own > other for own, other in zip(policy, reference, strict=True))
