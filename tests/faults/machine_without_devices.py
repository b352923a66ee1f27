# seen: https://github.com/open-mmlab/mmdetection/issues/368 – rank % num_gpus on a machine without any: ZeroDivisionError
from pipeline_dsl import H100, Hardware, Pipeline

from _parts import Sft, base, chats

sft = Sft(
    base=base,
    data=chats,
    on=Hardware(device=H100, count=0),  # expect: PDSL306
)

pipeline = Pipeline(name="assistant", targets=[sft])
