"""Which JWTs are taken, and what is read out of them: the settings, checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from customer_export.auth.identity_provider import is_trustworthy
from customer_export.auth.keys import ASYMMETRIC
from customer_export.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtRules:
    """Which tokens are taken, and what is read out of them. Without `jwks_url` the keys are found by discovery.

    A claim is named, or a path with points leads to it: `realm_access.roles`. With a `tenant_claim`, a token without
    a tenant is refused: nobody gets around the restriction by leaving it out.
    """

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...]
    leeway: timedelta
    jwks_url: str | None = None
    name_claim: str = "sub"
    scope_claim: str | None = None
    tenant_claim: str | None = None


def check_rules(rules: JwtRules) -> JwtRules:
    """Give the rules back. Raises ConfigurationError, with a line for each variable that is wrong."""
    problems = list(_mistakes(rules))
    if problems:
        raise ConfigurationError("\n".join(problems))
    return rules


def _mistakes(rules: JwtRules) -> Iterator[str]:
    if not is_trustworthy(rules.issuer) or "#" in rules.issuer or "?" in rules.issuer:
        yield "EXPORT_JWT_ISSUER is no https URL; use the issuer as the provider spells it, https://login.example/"
    if rules.jwks_url is not None and not is_trustworthy(rules.jwks_url):
        yield "EXPORT_JWT_JWKS_URL is no https URL; leave it unset to have it found by discovery"
    if not rules.audiences or not all(rules.audiences):
        yield "EXPORT_JWT_AUDIENCE is not set; name the audience that the provider puts into tokens for this service"
    for algorithm in rules.algorithms or ("",):
        if algorithm not in ASYMMETRIC:
            yield f"EXPORT_JWT_ALGORITHMS has {algorithm!r}; use some of {', '.join(ASYMMETRIC)}"
