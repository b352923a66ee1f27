"""What a review can find that a pipeline file cannot have: each kind a class with a code and an explanation, as checks have."""

from collections.abc import Sequence
from typing import ClassVar

from pipeline_dsl.base.diagnostic import Diagnostic, Related, Severity
from pipeline_dsl.base.span import Span


class Reviewed:
    """One kind of finding about a proposed manifest. Its docstring is what `pdsl explain` prints."""

    code: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    broken: ClassVar[bool] = False
    """Whether it says that a digest does not hold: the review then exits 4."""

    @classmethod
    def finding(
        cls, message: str, at: Span | None, *, help: str = "", related: Sequence[tuple[str, Span]] = (), label: str = ""
    ) -> Diagnostic:
        """One finding of this kind."""
        return Diagnostic(cls.code, message, at, label, tuple(Related(text, span) for text, span in related), help, cls.severity)


class NotReadable(Reviewed):
    """A proposed manifest cannot be read as plain data.

    It is no YAML, or more than data: aliases and anchors, tags that would make objects, a key said twice, a second document,
    numbers and nesting beyond what any field takes. What a person reads in it would not be what a machine reads, or reading it
    would cost more than a review may.
    """

    code = "PDSL111"


class TextHidden(Reviewed):
    """A character shows a reader something else than what is read: it turns the direction of a text, or is not seen at all.

    Source: Boucher and Anderson (2021), "Trojan Source: Invisible Vulnerabilities", arXiv:2111.00169.
    """

    code = "PDSL112"


class FieldUnknown(Reviewed):
    """A manifest says something under a name that nothing reads, leaves out what must be said, or says it in another form.

    What is misspelled would be passed over: a budget that nobody holds to, a gate that nobody asks.
    """

    code = "PDSL113"


class TypeUnknown(Reviewed):
    """A stage is of a type that is not installed here, and the manifest does not tell what it makes and reads.

    A review imports nothing that a manifest names: types come from pdsl itself, from distributions that announce them under the
    entry point group `pipeline_dsl.stages`, and from modules that the reviewer names with `--types`. Of all other types the
    manifest says under `declares` what they told the compiler; `pdsl plan TARGET --manifest FILE` writes that.
    """

    code = "PDSL114"


class TypeTold(Reviewed):
    """A stage's type is not installed here: it is judged by what the manifest says of it, which nobody has checked.

    Name the module that declares it with `--types` to judge it by its own code.
    """

    code = "PDSL115"
    severity = Severity.WARNING


class TypeOfOtherVersion(Reviewed):
    """A stage was written for another version of its type than the one that is installed.

    The version of a type is raised when its results change: under this one the stage would be another, with another digest.
    """

    code = "PDSL116"


class StageAbsent(Reviewed):
    """A stage, a gate, a baseline or what ships names a stage that the manifest does not have."""

    code = "PDSL117"


class GateUnreadable(Reviewed):
    """A gate is no comparison of a metric with a number, or with `baseline` plus or minus a number.

    `looks good`, `TBD` or a range cannot be held against a measurement: a gate is numeric, or it is none.
    """

    code = "PDSL118"


class NotFinished(Reviewed):
    """A run that failed, was held or was interrupted is put forward: it has no result to approve."""

    code = "PDSL119"


class ChainBroken(Reviewed):
    """The hash chain of a manifest does not hold.

    What a stage read is not what its producer made; a recipe is not the one that its action or its definition names; the plan
    that is named is not the plan that is written down. Something was edited after the run, or never was one. Exits 4.
    """

    code = "PDSL421"
    broken = True


class DigestMalformed(Reviewed):
    """What should be a digest is none: `sha256:` and 64 hexadecimal digits. A name such as `latest` can point at anything."""

    code = "PDSL422"


class TotalsWrong(Reviewed):
    """A total in a manifest is not the sum of its stages, or a stage's cost is not what its hardware costs for so long."""

    code = "PDSL423"


class FigureImpossible(Reviewed):
    """A recorded figure cannot have been measured: no number, below zero, or outside of what its unit allows."""

    code = "PDSL424"


class FigureElsewhere(Reviewed):
    """A figure in a manifest is not the one that the store holds under the digest that it names. Exits 4."""

    code = "PDSL425"
    broken = True


class GateFailedOnRecord(Reviewed):
    """A gate does not pass by the manifest's own figures, or what it is on was not measured.

    Figures in a manifest are no evidence, which only the store has: this can refuse a release, and never let one out.
    """

    code = "PDSL540"


class KlSpent(Reviewed):
    """A policy moved further from its reference, as the manifest records it, than its stage's KL budget allows."""

    code = "PDSL541"


class KlGateLoose(Reviewed):
    """The gate on the divergence lets more through than the pipeline's KL budget: the budget is then held by nothing."""

    code = "PDSL542"
    severity = Severity.WARNING


class KlBoundless(Reviewed):
    """A bound on the divergence is so large that nothing could ever exceed it: it is a number, and no bound."""

    code = "PDSL543"


class BudgetSpent(Reviewed):
    """What the stages cost, as the manifest says, is more than the budget or the cost gate allows."""

    code = "PDSL620"


class RedFlag(Reviewed):
    """Against the manifest that it is compared with, something changed that nothing in the recipes explains.

    Cost and wall clock may differ a little from run to run; half as much again, or another result of the same recipe, is a sign of
    another machine, another price, or an edited file.
    """

    code = "PDSL622"
    severity = Severity.WARNING


class RollbackMissing(Reviewed):
    """A stage of a pipeline that ships has no rollback plan: what its failure costs, and what is then done.

    It is written before the run starts, because nobody plans well at four in the morning: `rollback: {tier: cheap, action: re-run}`.
    """

    code = "PDSL630"


class RollbackUnfit(Reviewed):
    """A stage's rollback is none: an expensive stage would only be run again, or a tier is claimed that its cost belies.

    Weeks and millions are not spent twice: an expensive stage falls back to the last good artifact.
    """

    code = "PDSL631"


class SameBytes(Reviewed):
    """Data that is measured on and data that is learnt from are the same bytes under two names.

    The digests say so, whatever the stages are called.
    """

    code = "PDSL920"


REVIEWED: tuple[type[Reviewed], ...] = tuple(sorted(Reviewed.__subclasses__(), key=lambda kind: kind.code))
"""Every kind, in the order of their codes."""
