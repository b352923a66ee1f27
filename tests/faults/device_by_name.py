# seen: https://github.com/skypilot-org/skypilot/issues/591 – --gpus A10 where the catalogue has A10G: a traceback without a hint
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, on="H100")  # expect: PDSL202

pipeline = Pipeline(name="assistant", targets=[sft])
