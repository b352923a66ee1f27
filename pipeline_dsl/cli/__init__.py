"""`pdsl`: one file a command, imported only when that command is used."""

import errno
import gc
import os
import sys
import traceback
from typing import NoReturn

from pipeline_dsl.base.fault import Exit, Fault, StoreFull, Usage

_PLACES = frozenset(
    {
        errno.EACCES,
        errno.EEXIST,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
        errno.ESTALE,
        errno.ETXTBSY,
    }
)
"""What the system says of a file that somebody named, or of where it lies, and that is no fault of the code which asked."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where no more can be written."""


def main() -> NoReturn:
    """Run the command line of this process, and exit by the table in `base/fault.py`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started it
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    gc.disable()  # a command lives for a second; stages turn it on again in their own processes
    try:
        from pipeline_dsl.cli.app import app

        app(prog_name="pdsl")
        code = int(Exit.OK)
    except Fault as fault:
        from pipeline_dsl.cli.report import tame

        print(tame(str(fault)), file=sys.stderr)  # it may quote what somebody wrote into a manifest
        code = int(fault.exit)
    except KeyboardInterrupt:
        code = 130
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.__context__, BrokenPipeError):  # who reads has read enough, and that is no finding
            code = int(Exit.OK)
    except BrokenPipeError:
        sys.stderr.close()
        code = int(Exit.OK)
    except Exception as error:
        code = _unexpected(error)
    raise SystemExit(_flushed(code))


def _flushed(code: int) -> int:
    """The exit code, once all is written; the disk on which a command's output goes may be full."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        _drop_output()
        return code or _unexpected(error)
    return code


def _drop_output() -> None:
    """Let the interpreter not try again, as it ends, what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unexpected(error: Exception) -> int:
    """The exit code of what no command expects, once it is said: where a file cannot be used that is a fault of usage, else it is ours."""
    if isinstance(error, OSError) and error.errno in _PLACES and error.filename is not None:
        from pipeline_dsl.cli.report import tame

        print(
            tame(str(Usage(f"cannot use {error.filename}: {error.strerror}", help="look at the path, and at who may use it"))),
            file=sys.stderr,
        )
        return int(Exit.USAGE)
    if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        print(str(StoreFull(f"cannot write: {error.strerror}", help="make room where the output goes")), file=sys.stderr)
        return int(StoreFull.exit)
    traceback.print_exception(error)
    print("this is a bug of pdsl, not of your pipeline: please report it with the lines above", file=sys.stderr)
    return int(Exit.BUG)
