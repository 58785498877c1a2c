"""Runs the cases of one fuzzer, in a process of its own, which a case may exhaust or end.

Usage: ``python runner.py FUZZER FOLDER [SEED]``. The exit status is 1 if a case has another outcome than to work, or an
error of this package in one line that names the place. The last line that begins with ``case`` names the case that
ended the process.
"""

import importlib
import resource
import signal
import sys
import traceback
import warnings
from pathlib import Path
from random import Random

from imagenet_cp.errors import BuildError, SourceError

#: Seconds of the processor, and of the clock, of one case.
SECONDS, CLOCK = 10, 300
#: Seconds of the processor of all cases, and bytes beyond those of the imported libraries.
ALL_SECONDS, MEMORY = 120, 3 << 30
#: Events of Python that no file may cause.
FORBIDDEN = {
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "socket.connect",
}


class Hang(BaseException):
    """A case takes too long."""


def forbid(event, arguments):
    if event in FORBIDDEN:
        raise AssertionError(f"{event}{arguments}")


def hang(*_):
    raise Hang


def fault(case) -> str | None:
    """Run a case: None if it works, "" if it is refused as it should be, else the fault."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, CLOCK)
    try:
        case.run()
        return None
    except (SourceError, BuildError) as error:
        text = str(error)
        return (
            "" if case.place in text and "\n" not in text else f"does not name {case.place} in a line: {text}"
        )
    except (Exception, Hang):
        return traceback.format_exc(limit=-6)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(name: str, folder: Path, seed: str) -> int:
    random = Random(f"{name} {seed}")
    cases = importlib.import_module(f"fuzz.{name}").cases(folder, random)
    case = next(cases)  # prepares the files
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, hang)
    signal.signal(signal.SIGALRM, hang)
    sys.addaudithook(forbid)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (ALL_SECONDS, ALL_SECONDS))
    counts, faults = {"work": 0, "refused": 0}, dict[str, str]()
    while case is not None:
        print("case", case.name, flush=True)
        found = fault(case)
        if found:
            faults.setdefault(found.splitlines()[-1][:60], f"{case.name}: {found}")
        else:
            counts["work" if found is None else "refused"] += 1
        case = next(cases, None)
    print(*faults.values(), counts, sep="\n")
    return 1 if faults or not all(counts.values()) else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *(sys.argv[3:] or ["1"])))
