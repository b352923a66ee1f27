from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.allowances import Settled
from pipeline_dsl.compiler.check import AllowanceCheck, warnings


class AllowanceStale(AllowanceCheck):
    """A comment allows a warning that is not given there, or no longer.

    What it was about has changed. Left behind, it would hide the next such warning on that line, which nobody has looked at.
    """

    code = "PDSL211"
    severity = Severity.WARNING
    bad = "web = Crawl()  # pdsl: allow[PDSL605] the machine is ours"
    good = "web = Crawl()"

    def run(self, settled: Settled) -> Iterator[Diagnostic]:
        kinds = {check.code for check in warnings()}
        for allowance, code in settled.idle or ():
            if code in kinds and allowance.reason:
                yield self.finding(
                    f"{code} is allowed here, and not given",
                    at=allowance.span,
                    help="remove the comment, or put it where the warning points",
                )
