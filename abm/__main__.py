"""`python -m abm`."""

import sys

from abm.cli import main
from abm.installation.schema import prepare_for

if __name__ == "__main__":
    sys.exit(main(before=prepare_for))
