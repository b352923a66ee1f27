"""A stage makes an artifact, not any value."""

from pipeline_dsl import Stage


class Answer(Stage[int]):
    #              ^^^ pyright:reportInvalidTypeArguments mypy:type-var
    text: str
