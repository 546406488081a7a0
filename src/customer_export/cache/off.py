"""No cache: nothing is kept, and nothing is shared."""

from customer_export.cache.interface import Keep, Kept, Reach
from customer_export.model.cached_export import CachedExport, CacheKey


class NoCache:
    """Forgets everything."""

    reach = Reach.NOWHERE

    def get(self, key: CacheKey) -> CachedExport | None:  # noqa: ARG002
        """Find nothing."""
        return None

    def begin(self, key: CacheKey) -> Keep:  # noqa: ARG002
        """Give what keeps nothing."""
        return lambda _entry: Kept.NOT_KEPT

    def purge(self, customer_id: str) -> int:  # noqa: ARG002
        """Drop nothing."""
        return 0

    def check(self) -> None:
        """Be content."""

    def close(self) -> None:
        """Free nothing."""


class AloneLead:
    """Leads without followers."""

    def done(self, entry: CachedExport) -> None:
        """Tell nobody."""

    def not_shared(self) -> None:
        """Tell nobody."""


class NoFlights:
    """Lets everybody make their own."""

    def lead_or_follow(self, key: CacheKey) -> AloneLead:  # noqa: ARG002
        """Give a lead that nobody follows."""
        return AloneLead()

    def close(self) -> None:
        """Free nothing."""
