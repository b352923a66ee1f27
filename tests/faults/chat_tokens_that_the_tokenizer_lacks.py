# seen: https://github.com/imoneoi/openchat/issues/104 – an end of turn that is split into many tokens is hard to stop at
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

CHATML = """\
{% for m in messages %}<|im_start|>{{ m.role }}
{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}
{% endfor %}"""

sft = Sft(
    base=base,
    data=chats,
    chat_template=CHATML,  # expect: PDSL225
)

pipeline = Pipeline(name="assistant", targets=[sft])
