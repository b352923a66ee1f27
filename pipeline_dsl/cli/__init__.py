"""`pdsl`: one file a command, imported only when that command is used."""

import gc
import sys
import traceback
from typing import NoReturn

from pipeline_dsl.base.fault import Exit, Fault


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
    except Exception:
        traceback.print_exc()
        print("this is a bug of pdsl, not of your pipeline: please report it with the lines above", file=sys.stderr)
        code = int(Exit.BUG)
    sys.stdout.flush()
    raise SystemExit(code)
