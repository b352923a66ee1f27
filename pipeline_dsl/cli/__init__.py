"""`pdsl`: one file a command, imported only when that command is used."""

import errno
import gc
import sys
import traceback
from typing import NoReturn

from pipeline_dsl.base.fault import Exit, Fault, Usage

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


def main() -> NoReturn:
    """Run the command line of this process, and exit by the table in `base/fault.py`."""
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
    except BrokenPipeError:
        sys.stderr.close()
        code = int(Exit.OK)
    except Exception as error:
        code = _unexpected(error)
    sys.stdout.flush()
    raise SystemExit(code)


def _unexpected(error: Exception) -> int:
    """The exit code of what no command expects, once it is said: where a file cannot be used that is a fault of usage, else it is ours."""
    if isinstance(error, OSError) and error.errno in _PLACES and error.filename is not None:
        from pipeline_dsl.cli.report import tame

        print(
            tame(str(Usage(f"cannot use {error.filename}: {error.strerror}", help="look at the path, and at who may use it"))),
            file=sys.stderr,
        )
        return int(Exit.USAGE)
    traceback.print_exception(error)
    print("this is a bug of pdsl, not of your pipeline: please report it with the lines above", file=sys.stderr)
    return int(Exit.BUG)
