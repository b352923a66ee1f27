"""What can be wrong with a file before it is a graph: each kind a class with a code, an explanation and examples, as checks have."""

from typing import ClassVar

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span


class Unreadable:
    """One reason why a file gives no pipeline. Its docstring is what `pdsl explain` prints."""

    code: ClassVar[str]
    bad: ClassVar[str]
    good: ClassVar[str]

    @classmethod
    def finding(cls, message: str, at: Span, *, help: str = "") -> Diagnostic:
        """One finding of this kind."""
        return Diagnostic(cls.code, message, at, help=help)


class NotImported(Unreadable):
    """A pipeline is an ordinary Python module, and importing it failed.

    It does not parse, it needs a module that is not there, or one of its lines raised. The place is the innermost line of your
    own code; what a library raised is told by the message.
    """

    code = "PDSL101"
    bad = "web = Crawl(depth=2\ntokens = Tokenize(corpus=web)"
    good = "web = Crawl(depth=2)\ntokens = Tokenize(corpus=web)"


class NoPipeline(Unreadable):
    """The module was imported, and none of its names is bound to a `Pipeline`.

    A pipeline that a function returns is not found: nothing is called.
    """

    code = "PDSL103"
    bad = "def crawl():\n    return Pipeline(name='p', targets=[Crawl()])"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()])"


class SeveralPipelines(Unreadable):
    """The module declares more than one `Pipeline`, so no command could know which is meant."""

    code = "PDSL104"
    bad = "small = Pipeline(name='small', targets=[Crawl()])\nlarge = Pipeline(name='large', targets=[Crawl(depth=9)])"
    good = "small = Pipeline(name='small', targets=[Crawl()])"


class BadFields(Unreadable):
    """A declaration names a field that does not exist, leaves one out that has no default, or gives one by position.

    So does a pipeline whose `targets`, `gates` or `launchers` are not even a list.
    """

    code = "PDSL105"
    bad = "web = Crawl(dept=2)"
    good = "web = Crawl(depth=2)"


UNREADABLE = (NotImported, NoPipeline, SeveralPipelines, BadFields)
"""Every kind, in the order of their codes."""
