"""Room on the disk that is taken before it is needed, so that writing cannot fail for want of it."""

import ctypes
import errno
import os
import sys
from functools import lru_cache
from typing import Any

_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE: blocks beyond the end of the file, whose length and content stay as they are
_NOT_OFFERED = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENODEV})


def reserve(file: int, *, start: int, size: int) -> bool:
    """Take blocks for `size` bytes from `start` on. True when they are there, and where a system or a file system
    offers no such thing; False when the disk is full."""
    ask = _fallocate()
    if ask is None or ask(file, _KEEP_SIZE, start, size) == 0:
        return True
    return ctypes.get_errno() in _NOT_OFFERED


@lru_cache(maxsize=1)
def _fallocate() -> Any:
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    found = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if found is not None:
        found.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return found


def length(file: int) -> int:
    return os.fstat(file).st_size
