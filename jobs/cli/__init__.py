"""The `assay` command. Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 refused by a check."""

from __future__ import annotations

import logging
import sys

import typer

from jobs.cli import batch, codes, keep, landing, look, loop, pulling, quarantine, reading, study, trace, vault
from jobs.cli.place import quiet
from jobs.conf import ConfError, PurposeError
from jobs.lake.manifest import LandingError
from jobs.lake.session import JarsMissing
from jobs.lake.write import Fenced, LakeError
from jobs.respond.returned_list import UnreadableList
from jobs.runner import Refused

log = logging.getLogger(__name__)
USAGE: type[Exception] = typer.BadParameter.__mro__[1]  # usage errors of whichever click typer brings

app = typer.Typer(name="assay", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
for part in (loop, landing, pulling, reading, look, keep, quarantine, batch, trace, codes, vault, study):
    part.add_to(app)


def main() -> None:
    """Run the command and turn what went wrong into its exit code and one clear message."""
    quiet()
    try:
        code = app(standalone_mode=False)
    except typer.Exit as leaving:
        code = leaving.exit_code
    except USAGE as fault:
        code = _say_usage(fault)
    except (ConfError, LandingError, UnreadableList, FileNotFoundError, NotADirectoryError) as fault:
        code = _say("bad usage or configuration", fault, 2)
    except (Refused, Fenced, PurposeError) as fault:
        code = _say("refused", fault, 3)
    except LakeError as fault:
        code = _say("refused by the lake", fault, 3)
    except (JarsMissing, KeyboardInterrupt) as fault:
        code = _say("failed", fault, 1)
    except Exception as fault:
        log.debug("failed", exc_info=True)
        code = _say("failed", fault, 1)
    sys.exit(code if isinstance(code, int) else 0)


def _say_usage(fault: Exception) -> int:
    """A usage error and where the right words are listed; `assay` alone has already printed its help and is told nothing more."""
    said = fault.format_message() if hasattr(fault, "format_message") else str(fault)
    command = getattr(getattr(fault, "ctx", None), "command_path", "assay")
    return _say("bad usage", typer.BadParameter(f"{said.rstrip('.?')}; `{command} --help` lists what it takes"), 2) if said else 2


def _say(what: str, fault: BaseException, code: int) -> int:
    typer.echo(f"assay: {what}: {fault or type(fault).__name__}", err=True)
    if code == 1:
        logging.getLogger("jobs").info("where it failed", exc_info=fault)
    return code
