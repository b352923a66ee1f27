"""`run` returns what the class says that it makes."""

from pipeline_dsl import Chats, Corpus, Stage, Workspace


class Talk(Stage[Chats]):
    def run(self, work: Workspace) -> Corpus:
    #   ^^^ pyright:reportIncompatibleMethodOverride
#   ^^^ mypy:override
        return Corpus(documents=1, characters=1)
