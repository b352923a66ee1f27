"""An exception that importing somebody's module raised, as a diagnostic that points into their code."""

import difflib
import os
import re
import site
import sys
import sysconfig
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

import pipeline_dsl
from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span, code_span
from pipeline_dsl.compiler.reading import BadFields, NotImported
from pipeline_dsl.lang.stage import Stage


def diagnose(error: BaseException, file: str) -> Diagnostic:
    """What `error` says about the module in `file`, at the innermost line that its author wrote."""
    if isinstance(error, SyntaxError) and error.filename and os.path.isfile(error.filename) and not _foreign(error.filename):
        return NotImported.finding(f"this file is not Python: {error.msg}", _syntax_span(error))
    span, names = _place(error.__traceback__, file)
    text = _words(error)
    call = re.search(r"(\w+)\.__init__\(\) (.*)", text) if isinstance(error, TypeError) else None
    if call:
        return _bad_call(call[1], call[2], span, names)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _no_module(error.name, span)
    if isinstance(error, ImportError) and error.name and "cannot import name" in text:
        return _no_name(error, span)
    if isinstance(error, SystemExit):
        help = "a pipeline only declares; guard the rest by `__name__`"
        return NotImported.finding("importing this module ended the process", span, help=help)
    raised = f"importing this module raised {type(error).__name__}"
    return NotImported.finding(f"{raised}: {text}" if text else raised, span, help=_advice(error, text))


def _words(error: BaseException) -> str:
    """What an exception says, on one line; nothing if it cannot even say it."""
    try:
        return textwrap.shorten(str(error), 300)
    except Exception:
        return ""


def _syntax_span(error: SyntaxError) -> Span:
    line = error.lineno or 1
    end_line = max(error.end_lineno or line, line)
    column = max((error.offset or 1) - 1, 0)
    end = max((error.end_offset or 1) - 1, 0)
    return Span(error.filename or "", line, column, end_line, end if end_line > line else max(end, column + 1))


def _place(trace: TracebackType | None, file: str) -> tuple[Span, Mapping[str, Any]]:
    """The innermost line of the author's own code, with the global names there; the file's start if there is none."""
    links = list(_links(trace))
    own = [link for link in links if not _foreign(link.tb_frame.f_code.co_filename)]
    own = own or [link for link in links if os.path.realpath(link.tb_frame.f_code.co_filename) == os.path.realpath(file)]
    if not own:
        return Span(file, 1), {}
    return code_span(own[-1].tb_frame.f_code, own[-1].tb_lasti), own[-1].tb_frame.f_globals


def _links(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


@cache
def _foreign(file: str) -> bool:
    """Whether a file is part of Python, of pdsl or of an installed library, where no author of a pipeline can mend it."""
    if file.startswith("<"):
        return True
    places = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    places += [str(Path(pipeline_dsl.__file__).parent), *site.getsitepackages(), site.getusersitepackages()]
    path = os.path.realpath(file)
    return any(path.startswith(os.path.realpath(place) + os.sep) for place in places)


def _bad_call(cls: str, fault: str, span: Span, names: Mapping[str, Any]) -> Diagnostic:
    """A constructor was called with the wrong keywords."""
    unknown = re.search(r"unexpected keyword argument '(\w+)'", fault)
    if unknown:
        fields = _fields(names.get(cls) or getattr(pipeline_dsl, cls, None) or _declared_type(cls))
        close = [_USUAL[unknown[1]]] if _USUAL.get(unknown[1]) in fields else difflib.get_close_matches(unknown[1], fields, n=1)
        advice = f"did you mean `{close[0]}`?" if close else ("its fields: " + ", ".join(fields) if fields else "")
        if unknown[1] == "allow":
            advice = "a warning is allowed by a comment: `# pdsl: allow[CODE] reason`"
        return BadFields.finding(f"`{cls}` has no field `{unknown[1]}`", span, help=advice)
    missing = re.findall(r"'(\w+)'", fault)
    if "missing" in fault and missing:
        needs = ", ".join(f"`{name}`" for name in missing)
        return BadFields.finding(f"`{cls}` needs {needs}", span, help="give every field that has no default")
    if "positional" in fault:
        return BadFields.finding(f"`{cls}` takes its fields by name", span, help=f"write `{cls}(field=value, ...)`")
    return BadFields.finding(f"`{cls}` cannot be made so: {fault}", span)


_USUAL = {
    "lr": "learning_rate",
    "num_epochs": "epochs",
    "num_train_epochs": "epochs",
    "warmup_ratio": "warmup",
    "max_grad_norm": "clip",
    "max_seq_length": "max_length",
    "per_device_train_batch_size": "micro_batch",
    "intermediate_size": "ffn",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "num_key_value_heads": "kv_heads",
    "head_dim": "head_width",
    "vocab_size": "vocabulary",
    "max_position_embeddings": "context",
    "tie_word_embeddings": "tied",
    "r": "rank",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "target_modules": "targets",
    "num_fewshot": "shots",
    "license": "licence",
    "num_gpus": "count",
}
"""What transformers, TRL, PEFT and lm-eval call fields that are called otherwise here."""


def _declared_type(name: str) -> type[Any] | None:
    """The only class of stages of a name, wherever it was declared."""
    found: list[type[Any]] = []
    pending: list[type[Any]] = [Stage]
    while pending:
        cls = pending.pop()
        found += [cls] if cls.__name__ == name else []
        pending += cls.__subclasses__()
    return found[-1] if found else None


def _fields(cls: Any) -> list[str]:
    if not isinstance(cls, type) or not attrs.has(cls):
        return []
    return [field.alias or field.name for field in attrs.fields(cls) if field.init]


def _no_module(name: str, span: Span) -> Diagnostic:
    ours = name.partition(".")[0] == "pipeline_dsl"
    help = "its parts for a pipeline: `pipeline_dsl` and `pipeline_dsl.stages`" if ours else f"install `{name}`, or mend the import"
    return NotImported.finding(f"this module needs `{name}`, which is not {'there' if ours else 'installed'}", span, help=help)


def _no_name(error: ImportError, span: Span) -> Diagnostic:
    wanted = re.search(r"cannot import name '(\w+)'", str(error))
    name = wanted[1] if wanted else "?"
    if "circular import" in str(error):
        return NotImported.finding(
            f"`{error.name}` is still being imported, and has no `{name}` yet", span, help="two modules import each other"
        )
    close = difflib.get_close_matches(name, dir(sys.modules.get(error.name or "")), n=1)
    return NotImported.finding(f"`{error.name}` has no `{name}`", span, help=f"did you mean `{close[0]}`?" if close else "")


def _advice(error: BaseException, text: str) -> str:
    if isinstance(error, TypeError) and "'Baseline'" in text:
        return "a gate compares with `baseline`, `baseline + number` or `baseline - number`"
    if isinstance(error, TypeError) and "multiple values for keyword" in text:
        return "give each field once: a later one replaces an earlier one in `{**common, 'field': value}`, or in `attrs.evolve`"
    if isinstance(error, TypeError) and "dataclass instances" in text:
        return "a declaration is an attrs class: write `attrs.evolve(stage, field=value)`"
    if isinstance(error, ImportError) and "relative import" in text:
        return "write the module's name without a dot, or put an `__init__.py` beside it"
    if isinstance(error, ValueError) and "custom __setattr__" in text:
        return "leave the decorator away: what is derived from `Stage` is an attrs class already"
    if isinstance(error, FileNotFoundError) and error.filename and not os.path.isabs(str(error.filename)):
        return "a relative path starts where the command is given: start it at `Path(__file__).parent`"
    if isinstance(error, TypeError) and "'MetricRef'" in text:
        return "a gate is written `metric(...) >= number` or `metric(...) <= number`"
    if isinstance(error, attrs.exceptions.FrozenInstanceError):
        return "a declaration does not change: give the value where it is declared"
    if isinstance(error, NameError) and error.name in pipeline_dsl.__all__:
        return f"write `from pipeline_dsl import {error.name}`"
    return ""
