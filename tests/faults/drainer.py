"""A sending process whose clock may be a false one: `python -m tests.faults.drainer LEASE` drains until killed."""

import sys
import threading

from abm.wiring import connect_engine
from campaigns.dispatch import DrainOptions, drain


def main() -> None:
    connect_engine()
    between = threading.Event()
    while True:
        drain(options=DrainOptions(seconds=1.0, lease_seconds=float(sys.argv[1])))
        between.wait(0.05)  # a false clock spoils time.sleep


if __name__ == "__main__":
    main()
