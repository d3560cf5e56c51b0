"""What figures of time and memory depend on: this machine's processor, and what this process has held."""

import platform
import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")
_PROCESSORS = Path("/proc/cpuinfo")


def processor() -> str:
    """The processor's name as Linux has it, elsewhere as Python has it."""
    return _line(_PROCESSORS, "model name") or platform.processor() or platform.machine()


def peak_memory() -> int:
    """Bytes: the most that this process has had resident at once.

    Of a process started by a larger one, `getrusage` counts what that one had; Linux has
    a figure of its own, which is used where there is one.
    """
    peak = _line(_STATUS, "VmHWM")
    if peak:
        return int(peak.removesuffix(" kB")) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if platform.system() == "Darwin" else largest * 1024


def _line(file: Path, name: str) -> str:
    """What stands behind `name:` in a file of Linux's; empty where it does not."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return next((x.partition(":")[2].strip() for x in lines if x.startswith(name)), "")
