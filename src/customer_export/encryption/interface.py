"""What seals a file."""

from collections.abc import Iterator
from datetime import datetime
from typing import IO, Protocol

from customer_export.model.request import Encryption


class Sealer(Protocol):
    """Encrypts one file."""

    encryption: Encryption
    media_type: str

    def seal(self, pieces: Iterator[bytes], into: IO[bytes], *, name: str, at: datetime) -> None:
        """Take all pieces of the file `name`, which was made `at`, and write it encrypted; holds a piece at a time.

        Lets what the pieces raise pass through; what is in `into` by then is no whole file.
        """
