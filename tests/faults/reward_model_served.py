from pipeline_dsl import Pipeline

from _parts import Serve, asked, reward

server = Serve(model=reward, prompts=asked)  # expect: PDSL201

pipeline = Pipeline(name="judge", targets=[server])
