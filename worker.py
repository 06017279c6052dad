"""A worker process: `python worker.py outreach`, `… sweeps` or `… general`.

Imports everything first, so that a forked job starts at once, then works until it is told to stop. It needs a
supervisor (bin/start, systemd, a container's restart policy): a worker exits when the queue server goes away.
"""

import sys

from abm.all_models import metadata
from abm.wiring import connect_engine, load_jobs
from core.jobs.registry import JobQueue
from core.jobs.worker import work
from core.logs import set_up_logs


def main(arguments: list[str]) -> int:
    wanted = arguments[0] if arguments else JobQueue.OUTREACH.value
    if wanted not in set(JobQueue) or not metadata.tables:
        print(f"worker.py works on one of {', '.join(JobQueue)}, not on {wanted!r}", file=sys.stderr)
        return 2
    set_up_logs()
    connect_engine()
    load_jobs()
    work(JobQueue(wanted))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
