"""Starting exports with other limits."""

from collections.abc import Callable
from dataclasses import replace

from customer_export.export.delivery import StartedExport
from customer_export.services import Services

Start = Callable[..., StartedExport]
"""What the fixture `start` gives: it takes a customer's id, and query parameters as keywords."""


def with_limits(services: Services, **limits: object) -> Services:
    """Change the limits of services."""
    return replace(services, limits=replace(services.limits, **limits))  # type: ignore[arg-type]
