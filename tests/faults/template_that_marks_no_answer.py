# seen: https://github.com/marin-community/marin/issues/7237 – no generation mark in the template: trained on no token at all
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(
    base=base,
    data=chats,
    chat_template="{% for m in messages %}<|user|>{{ m.content + eos_token }}{% endfor %}",  # expect: PDSL205
)

pipeline = Pipeline(name="assistant", targets=[sft])
