"""What turns credentials into somebody known."""

from datetime import datetime
from typing import Protocol

from customer_export.model.access import Credentials, Principal


class Authenticator(Protocol):
    """Knows who is calling."""

    def authenticate(self, credentials: Credentials, *, now: datetime) -> Principal:
        """Give the principal.

        Raises AuthenticationRequiredError, InvalidTokenError or TokenExpiredError, and StoreUnavailableError or
        IdentityProviderUnavailableError if nobody can be known.
        """
