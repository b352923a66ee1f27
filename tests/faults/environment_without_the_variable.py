# seen: https://github.com/r-three/t-few/issues/13 – KeyError: 'HF_HOME', after the model was loaded
import os

from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(year=int(os.environ["PDSL_FAULTS_YEAR"]))  # expect: PDSL101

pipeline = Pipeline(name="chats", targets=[chats])
