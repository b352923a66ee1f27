# seen: https://github.com/hiyouga/LlamaFactory/issues/9540 – a trained reward model was served by vLLM, which answered no request for it
from pipeline_dsl import Pipeline

from _parts import Serve, asked, reward

server = Serve(model=reward, prompts=asked)  # expect: PDSL201

pipeline = Pipeline(name="judge", targets=[server])
