"""`abm import` in a process of its own that waits after each slice, so that a test can kill it midway."""

import sys
import time

from abm.cli import main
from abm.imports import merging, staging

if __name__ == "__main__":
    staging._SQLITE_SLICE = staging._POSTGRES_SLICE = 50
    real = merging._note

    def note(*given: object) -> None:
        real(*given)
        print("slice", flush=True, file=sys.stderr)
        time.sleep(0.15)

    merging._note = note
    sys.exit(main(sys.argv[1:]))
