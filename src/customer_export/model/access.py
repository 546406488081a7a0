"""Who is calling, with what, and what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import TypeAlias


@unique
class Scope(StrEnum):
    """What a token allows. `admin` allows everything.

    `bulk` allows, beside `export`, to export many customers by one job; `templates` to save and delete the templates
    that everybody uses.
    `unmasked` allows no export by itself: it says that an export shows every class of personal data.
    """

    EXPORT = "customers:export"
    UNMASKED = "customers:export:unmasked"
    BULK = "customers:bulk"
    TEMPLATES = "templates:write"
    AUDIT = "audit:read"
    ADMIN = "admin"


VIEW_PREFIX = "customers:export:"
"""Scopes that begin so allow nothing but to see what the policy says: `customers:export:finance`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerToken:
    """The secret of an Authorization header; None if there was no such header."""

    secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOperator:
    """Somebody with a shell on the machine, who could read the database anyway; `user` is their login name."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDigest:
    """A token that was shown earlier, known by its digest: what it allows now counts, if it is still valid."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody known. `name` stands in the audit and in the manifest.

    `scopes` are members of Scope, and names that a policy gives a meaning. With a `tenant`, only the customers whose
    tenant column equals it can be reached; None is no such restriction.
    """

    name: str
    scopes: frozenset[str]
    tenant: str | None = None

    @property
    def may_see_all(self) -> bool:
        """Whether they see what others have made, too: administrators who are held to no tenant."""
        return self.may(Scope.ADMIN) and self.tenant is None

    def may(self, scope: Scope) -> bool:
        """Whether this is allowed."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCaller:
    """Somebody who was known earlier by what cannot be asked about again; it counts until `until`."""

    principal: Principal
    until: datetime


Credentials: TypeAlias = BearerToken | LocalOperator | TokenDigest | EarlierCaller


_MEMBERS = frozenset(scope.value for scope in Scope)


def known_scopes(granted: Iterable[str]) -> frozenset[str]:
    """Keep the scopes that mean something here; identity providers add their own, and other versions had others."""
    return frozenset(scope for scope in granted if scope in _MEMBERS or scope.startswith(VIEW_PREFIX))
