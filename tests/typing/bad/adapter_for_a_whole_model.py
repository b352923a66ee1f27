"""An adapter is no model: it is merged with the one it was trained on before anybody quantizes it."""

from pipeline_dsl import Lora, Pipeline
from pipeline_dsl.stages import LoraSft, Quantize, Task
from studio import base, chats, exam

adapter = LoraSft(base=base, data=chats, lora=Lora(rank=8), learning_rate=1e-4)
packed = Quantize(model=adapter, calibration=chats, suite=exam, tasks=(Task(name="kinds"),))
#                       ^^^^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[packed])
