# seen: https://github.com/OpenRLHF/OpenRLHF/issues/1069 – the chat template was changed on the way through training
from pipeline_dsl import Pipeline, stages

from _parts import asked, compared, judged, sft

INST = "{% for message in messages %}[INST] {{ message.content }} [/INST]{{ eos_token }}{% endfor %}"


class Dpo(stages.Dpo):
    """It writes chats in a template of its own."""

    chat_template: str


policy = Dpo(
    policy=sft,
    data=judged,
    held=compared,
    prompts=asked,
    learning_rate=1e-6,
    kl_budget=10.0,
    chat_template=INST,  # expect: PDSL224
)

pipeline = Pipeline(name="assistant", targets=[policy])
