"""Files in the making, which wait on the disk of TMPDIR until they are whole: what is said when it is full."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from customer_export.errors import SpoolFullError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def spooling() -> Iterator[None]:
    """Raise SpoolFullError where something within has no room for a temporary file.

    It goes around whatever closes such files, too: what waits in a buffer is written then, and fails again.
    """
    try:
        yield
    except OSError as failure:
        if failure.errno in NO_ROOM:
            raise SpoolFullError(tempfile.gettempdir()) from failure
        raise
