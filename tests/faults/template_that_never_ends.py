# seen: https://github.com/huggingface/trl/issues/2059 – the model never writes an end, and rambles on
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(
    base=base,
    data=chats,
    chat_template="{% for m in messages %}{{ m.role }}: {% generation %}{{ m.content }}{% endgeneration %}{% endfor %}",  # expect: PDSL243
)

pipeline = Pipeline(name="assistant", targets=[sft])
