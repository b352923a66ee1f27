# seen: https://github.com/cvat-ai/cvat/issues/3871 – a task whose name was not ASCII could not be given its repository
from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(name="λόγος")  # expect: PDSL302

pipeline = Pipeline(name="chats", targets=[chats])
