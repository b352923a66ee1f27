from pipeline_dsl import Pipeline

from _parts import Serve, reward

server = Serve(model=reward)  # expect: PDSL201

pipeline = Pipeline(name="judge", targets=[server])
