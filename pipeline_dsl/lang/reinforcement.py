"""What reinforcement learning on a model's own answers takes: writing them, and learning from them, counted apart."""

from typing import Any

from pipeline_dsl.base.flops import LOOKING, TRAINING
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.size import Work


def reinforcement(
    policy: Llama,
    *,
    prompts: float,
    samples: float = 1,
    prompt: float,
    answer: float,
    at_once: float,
    epochs: float = 1,
    reward: Llama | None = None,
    critic: Llama | None = None,
    reference: bool = True,
    **how: Any,
) -> Work:
    """PPO with a `critic`, GRPO without one: `samples` answers to each of `prompts`, of `prompt` and `answer` tokens on average.

    Writing is bound by memory: its bytes are `read`. Then the policy, its `reference` if there is one, the critic and the reward
    model (None where rules judge) pass over prompts and answers, and policy and critic are trained on them for `epochs`. `at_once`
    answers are under way on each copy of the weights. `how` is what `Work.passes` takes: precision, attention, recompute.

    Sources: Ouyang et al. (2022), arXiv:2203.02155, appendix C; Shao et al. (2024), arXiv:2402.03300, section 4.1.
    """
    answers = prompts * samples
    length = prompt + answer

    def passes(model: Llama, count: float) -> Work:
        return Work.passes(model, count, tokens=answers * length, length=length, **how)

    learnt = passes(policy, LOOKING + TRAINING * epochs)  # the old policy's probabilities, then the updates
    if reference:
        learnt += passes(policy, LOOKING)
    if critic is not None:
        learnt += passes(critic, LOOKING + TRAINING * epochs)
    if reward is not None:
        learnt += passes(reward, LOOKING)
    return learnt + Work.writing(policy, tokens=answers * answer, at_once=at_once, prompt=prompt, answer=answer, **how)
