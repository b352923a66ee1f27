"""Group-relative policy optimisation by TRL: a policy learns from its own answers, each judged against others to the same prompt."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from pipeline_dsl.lang.verify import Verify
from pipeline_dsl.ml import finetuning
from pipeline_dsl.ml.dialogue import Messages, encode_prompts
from pipeline_dsl.ml.rank import Rank

GRPO = "pipeline_dsl.ml.grpo:grpo"


def grpo(rank: Rank, report: finetuning.Report | None = None) -> None:
    """Group-relative policy optimisation; one of a group of processes reports as its rank does.

    The rows are prompts, with `answer` beside them where answers are verified.
    """
    job, data = finetuning.begin(rank)
    sampling = job.sampling
    assert sampling is not None, "a policy that learns from its own answers is told how to draw them"
    trl = import_module("trl.trainer.grpo_config"), import_module("trl.trainer.grpo_trainer")
    arguments = trl[0].GRPOConfig(
        **finetuning.settings(rank, job),
        num_generations=sampling.group,
        max_completion_length=sampling.max_new_tokens,
        temperature=sampling.temperature,
        top_p=1.0,
        top_k=0,
        num_iterations=sampling.updates,
        epsilon=sampling.clip_ratio,
        beta=job.beta,
        loss_type="grpo",
    )
    judges, tokenizers = _judges(sampling)
    trainer = trl[1].GRPOTrainer(
        model=finetuning.causal(job.base),
        reward_funcs=judges,
        reward_processing_classes=tokenizers,
        args=arguments,
        train_dataset=data,
        processing_class=finetuning.tokenizer_of(job.base),
    )
    finetuning.run(rank, job, trainer, report)


def _judges(sampling: finetuning.Sampling) -> tuple[list[Any], list[Any]]:
    """(what gives rewards, the tokenizer of each): rewards of several are added."""
    judges: list[Any] = []
    tokenizers: list[Any] = []
    if sampling.reward:
        transformers: Any = import_module("transformers")
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            sampling.reward, num_labels=1, dtype=import_module("torch").float32, local_files_only=True
        )
        judges.append(model.eval())
        tokenizers.append(finetuning.tokenizer_of(sampling.reward))
    if sampling.verify is not None:
        judges.append(verifier(sampling.verify))
        tokenizers.append(None)
    return judges, tokenizers


def verifier(verify: Verify) -> Callable[..., list[float]]:
    """`verify` as TRL calls a reward: with conversations' last messages, and the column `answer`."""

    def verified(completions: list[Messages], answer: list[str], **_: Any) -> list[float]:
        return [verify.reward(said[-1]["content"], right) for said, right in zip(completions, answer, strict=True)]

    return verified


def fitting(tokenizer: Any, prompts: list[Messages], *, room: int) -> list[int]:
    """The places of those prompts that are at most `room` tokens long; how many are left out is printed."""
    kept = [place for place, ids in enumerate(encode_prompts(tokenizer, prompts)) if len(ids) <= room]
    if len(kept) < len(prompts):
        print(f"{len(prompts) - len(kept)} of {len(prompts)} prompts are longer than {room} tokens and left out", flush=True)
    return kept
