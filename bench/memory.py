"""The peak of a process's memory."""

import resource
from pathlib import Path


def peak_megabytes() -> float:
    """Of this process since it was started. Linux hands a parent's peak on as the child's `ru_maxrss`, so it is read
    from the process's own status where there is one."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
