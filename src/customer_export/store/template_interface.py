"""What our own database keeps of templates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from customer_export.model.template import KeptTemplate


class TemplateStore(Protocol):
    """Templates, version by version. Every method raises StoreUnavailableError if the database fails.

    A version never changes, and its number is never given again: whoever has its manifest knows what it said.
    """

    def save(self, name: str, content: str, *, sha256: str, at: datetime, by: str) -> tuple[KeptTemplate, bool]:
        """Keep a new version and say True; if the newest says the same, give that and say False."""

    def find(self, name: str, version: int | None = None) -> KeptTemplate | None:
        """Find a version, or the newest; None if there is none, or if the template was deleted after it."""

    def newest(self, *, after: str | None, limit: int) -> Sequence[KeptTemplate]:
        """Give the newest version of at most `limit` templates in the order of their names, behind one of them."""

    def versions(self, name: str) -> Sequence[KeptTemplate]:
        """Give the versions that can be used, the newest first."""

    def delete(self, name: str, *, at: datetime) -> bool:
        """Have nobody use a template any more; False if there is none."""
