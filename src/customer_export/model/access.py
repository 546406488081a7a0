"""Who is calling, with what, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TypeAlias


@unique
class Scope(StrEnum):
    """What a token allows. `admin` allows everything."""

    EXPORT = "customers:export"
    AUDIT = "audit:read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerToken:
    """The secret of an Authorization header; None if there was no such header."""

    secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOperator:
    """Somebody with a shell on the machine, who could read the database anyway; `user` is their login name."""

    user: str


Credentials: TypeAlias = BearerToken | LocalOperator


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody known. `name` stands in the audit and in the manifest."""

    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether this is allowed."""
        return scope in self.scopes or Scope.ADMIN in self.scopes
