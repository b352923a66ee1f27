# seen: https://github.com/EleutherAI/lm-evaluation-harness/issues/1841 – one model, two chat templates, two scores
from pipeline_dsl import Pipeline, stages

from _parts import Sft, TASKS, base, chats, suite

ROLES = "{% for m in messages %}{{ m.role }}: {% generation %}{{ m.content + eos_token }}{% endgeneration %}{% endfor %}"
PLAIN = "{% for m in messages %}{{ m.content + eos_token }}{% endfor %}"


class Evaluate(stages.Evaluate):
    """It asks in a template of its own."""

    chat_template: str


sft = Sft(base=base, data=chats, chat_template=ROLES)
report = Evaluate(
    model=sft,
    suite=suite,
    tasks=TASKS,
    chat_template=PLAIN,  # expect: PDSL224
)

pipeline = Pipeline(name="measured", targets=[report])
