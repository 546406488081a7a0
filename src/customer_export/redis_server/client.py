"""What is said to the server: single commands, several at once, and scripts."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from redis.exceptions import NoScriptError

Word: TypeAlias = bytes | str | int


class Client(Protocol):
    """What the clients of one server, a cluster and Sentinels have in common; redis-py leaves it untyped."""

    def execute_command(self, *words: Word) -> Any:
        """Run one command."""

    def pipeline(self, *, transaction: bool) -> Any:
        """Collect commands that are sent together."""

    def close(self) -> None:
        """Close all connections."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script: `text` is run by its digest, so that it is sent once only.

    A call whose answer got lost is sent again (`RedisServer.call`), so a script should bear to run twice.
    """

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())

    def run(self, client: Client, *, keys: tuple[str, ...], values: tuple[Word, ...]) -> Any:
        """Run the script, also on a server that does not know it (any more). In a cluster the keys share a slot."""
        try:
            return client.execute_command("EVALSHA", self.digest, len(keys), *keys, *values)
        except NoScriptError:
            return client.execute_command("EVAL", self.text, len(keys), *keys, *values)
