"""Purges that were made elsewhere, as a server follows them that keeps files in its own memory."""

from datetime import timedelta

from customer_export.jobs.services import Jobs

FOLLOWED_FOR = timedelta(minutes=10)
"""How far back it looks each time: clocks of two machines, and one long transaction, may be apart that far."""


class FollowedPurges:
    """Drops from the cache of this process whom somebody else has purged: another server, or the command line."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._known: set[str] = set()

    def made_here(self, purge_id: str) -> None:
        """Note a purge that this process makes itself. To be called before it begins."""
        self._known.add(purge_id)

    def look(self) -> int:
        """Drop the files of those who were purged since the last look, and give how many files. Raises as the store."""
        services = self._jobs.services
        found = self._jobs.erasure.begun_since(services.now() - FOLLOWED_FOR)
        dropped = 0
        for purge in found:
            if purge.purge_id not in self._known:
                dropped += services.cache.purge(purge.customer_id)
                self._known.add(purge.purge_id)
        if len(self._known) > 2 * len(found) + MOST_KNOWN:
            self._known &= {purge.purge_id for purge in found}
        return dropped


MOST_KNOWN = 1_000  # 32 letters each; a purge that is forgotten too early costs a few files of the cache, no more
