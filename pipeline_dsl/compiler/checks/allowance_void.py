from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.allowances import Allowance, Settled
from pipeline_dsl.compiler.check import AllowanceCheck, warnings


class AllowanceVoid(AllowanceCheck):
    """A comment that should allow a warning cannot: it names no code, or one that is no warning's, or it gives no reason.

    Errors cannot be allowed. A reason is for whoever reads the file next: in half a year nobody knows whether the warning was
    understood or only silenced.
    """

    code = "PDSL210"
    bad = "web = Crawl()  # pdsl: allow[PDSL201] the types do fit"
    good = (
        "own = Device(name='Own-1', bf16=4e14, memory=96 * 10**9, price=None, price_date='', price_source='')\n"
        "web = Crawl(on=Hardware(device=own))  # pdsl: allow[PDSL605] the machine is ours, and paid for\n"
        "pipeline = Pipeline(name='p', targets=[web], budget=Budget(usd=5))"
    )

    def run(self, settled: Settled) -> Iterator[Diagnostic]:
        for allowance in settled.allowances:
            yield from self._judged(allowance)

    def _judged(self, allowance: Allowance) -> Iterator[Diagnostic]:
        if not allowance.codes:
            yield self.finding("this allows nothing: it names no code", at=allowance.span, help="write `# pdsl: allow[CODE] reason`")
            return
        kinds = {check.code: check for check in warnings()}
        for code in allowance.codes:
            if code not in kinds:
                known = ", ".join(sorted(kinds))
                yield self.finding(
                    f"{code!r} is not the code of a warning that can be allowed", at=allowance.span, help=f"these can be: {known}"
                )
        if not allowance.reason:
            yield self.finding(
                f"this gives no reason why {', '.join(allowance.codes)} is meant so",
                at=allowance.span,
                help="write it behind the bracket: `# pdsl: allow[CODE] reason`",
            )
