"""Whether what becomes of a message can still be stored: nothing is handed over on a disk that is about to be full."""

import shutil
from pathlib import Path

from core.settings import settings

LEAST_FREE_BYTES = 64 * 1024 * 1024


def has_room() -> bool:
    """Enough free space for the journal, and for the database where it is a file of ours."""
    folders = {settings().data_dir}
    if settings().is_sqlite:
        folders.add(Path(settings().database_url.removeprefix("sqlite:///")).parent)
    return all(shutil.disk_usage(folder).free >= LEAST_FREE_BYTES for folder in folders)
