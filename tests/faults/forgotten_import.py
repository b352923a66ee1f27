# seen: https://github.com/bokeh/bokeh/pull/1753 – sys.exit was called where sys was not imported
from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft])  # expect: PDSL101
