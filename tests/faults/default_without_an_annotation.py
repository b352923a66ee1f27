# seen: https://github.com/python/cpython/issues/102546 – a child class respecifies a field without its annotation, and keeps the parent's
from pipeline_dsl import Pipeline, stages

from _parts import base, chats


class LongSft(stages.Sft):
    """Sft as this team runs it, or so it believes."""

    epochs = 3


sft = LongSft(base=base, data=chats, learning_rate=1e-5)  # expect: PDSL208

pipeline = Pipeline(name="small", targets=[sft])
