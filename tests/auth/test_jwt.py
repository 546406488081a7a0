"""JWTs: whoever may be known is known, and of all the ways to forge a token none works."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_export.auth.bearers import BearerAuthenticator, make_authenticator
from customer_export.auth.jwt import LONGEST_TOKEN, REQUIRED
from customer_export.auth.jwt_rules import check_rules
from customer_export.auth.tokens import TokenAuthenticator, digest_of
from customer_export.errors import ConfigurationError, ExportError, InvalidTokenError, TokenExpiredError
from customer_export.model.access import BearerToken, LocalOperator, Principal, Scope
from customer_export.store.interface import StoredToken
from identity_provider import (
    ALGORITHMS,
    AUDIENCE,
    KEY_IDS,
    NOW,
    Clock,
    IdentityProvider,
    authenticator_for,
    ec_key,
    jwk_of,
    key_for,
    rsa_key,
    rules_for,
)

SECOND = timedelta(seconds=1)
EXPORT = frozenset({Scope.EXPORT})


# Who is known


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_bearer_of_a_signed_token_is_who_the_provider_says(provider: IdentityProvider, algorithm: str) -> None:
    principal = authenticator_for(provider).principal_of(provider.token(algorithm=algorithm), now=NOW)
    mark = provider.issuer
    assert principal == Principal(name=f"jwt:{mark}#4711", scopes=EXPORT)


def test_the_name_says_who_vouches_for_it_and_is_none_that_a_token_can_have(provider: IdentityProvider) -> None:
    authenticator = authenticator_for(provider, issuer="https://login.example/realms/shop/")
    assert authenticator._mark == "jwt:login.example/realms/shop#"


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "customers:export audit:read"}, {Scope.EXPORT, Scope.AUDIT}),
        ({"scope": ["customers:export", 7, "email"]}, {Scope.EXPORT}),
        ({"scope": None, "scp": "admin"}, {Scope.ADMIN}),
        ({"scope": None, "scp": ["customers:export:finance"]}, {"customers:export:finance"}),
        ({"scope": "audit:read", "scp": ["admin"]}, {Scope.AUDIT, Scope.ADMIN}),
        ({"scope": {"customers:export": True}, "scp": 1}, set()),
        ({"scope": None}, set()),
        ({"realm_access": {"roles": ["admin", "offline_access"]}}, {Scope.EXPORT}),
    ],
)
def test_scopes_come_from_the_claims_that_providers_put_them_into(
    provider: IdentityProvider, claims: dict[str, object], scopes: set[str]
) -> None:
    assert authenticator_for(provider).principal_of(provider.token(**claims), now=NOW).scopes == scopes


@pytest.mark.parametrize(
    ("scope_claim", "claims"),
    [
        ("roles", {"roles": ["admin", "viewer"]}),
        ("realm_access.roles", {"realm_access": {"roles": ["admin"]}}),
        ("https://shop.example/roles", {"https://shop.example/roles": "admin"}),
    ],
)
def test_scopes_may_come_from_another_claim_too(
    provider: IdentityProvider, scope_claim: str, claims: dict[str, object]
) -> None:
    authenticator = authenticator_for(provider, scope_claim=scope_claim)
    assert authenticator.principal_of(provider.token(**claims), now=NOW).scopes == {Scope.EXPORT, Scope.ADMIN}
    for missing in ({}, {"realm_access": "admin"}, {"roles": None}):
        assert authenticator.principal_of(provider.token(**missing), now=NOW).scopes == EXPORT


def test_the_name_may_come_from_another_claim(provider: IdentityProvider) -> None:
    authenticator = authenticator_for(provider, name_claim="preferred_username")
    principal = authenticator.principal_of(provider.token(preferred_username="jane"), now=NOW)
    assert principal.name.endswith("#jane")
    with pytest.raises(InvalidTokenError, match="no preferred_username"):
        authenticator.principal_of(provider.token(), now=NOW)


@pytest.mark.parametrize(("claim", "tenant"), [("acme", "acme"), (17, "17"), ("  x", "  x")])
def test_the_tenant_comes_from_its_claim(provider: IdentityProvider, claim: object, tenant: str) -> None:
    authenticator = authenticator_for(provider, tenant_claim="org.id")
    assert authenticator.principal_of(provider.token(org={"id": claim}), now=NOW).tenant == tenant


@pytest.mark.parametrize(
    "org", [None, {}, {"id": None}, {"id": ""}, {"id": " "}, {"id": True}, {"id": ["acme"]}, "acme"]
)
def test_who_has_no_tenant_where_there_must_be_one_is_not_let_in(provider: IdentityProvider, org: object) -> None:
    authenticator = authenticator_for(provider, tenant_claim="org.id")
    with pytest.raises(InvalidTokenError, match=r"no org\.id"):
        authenticator.principal_of(provider.token(org=org), now=NOW)


def test_an_audience_may_be_one_of_several_on_either_side(provider: IdentityProvider) -> None:
    authenticator = authenticator_for(provider, audiences=("other", AUDIENCE))
    for audience in (AUDIENCE, "other", ["account", "other"]):
        assert authenticator.principal_of(provider.token(aud=audience), now=NOW).may(Scope.EXPORT)


@pytest.mark.parametrize("kind", [None, "JWT", "jwt", "at+jwt", "application/at+jwt", "application/AT+JWT"])
def test_the_types_of_access_tokens_are_taken(provider: IdentityProvider, kind: str | None) -> None:
    assert authenticator_for(provider).principal_of(provider.token(header={"typ": kind}), now=NOW).may(Scope.EXPORT)


def test_a_token_is_good_until_its_end_and_the_leeway(provider: IdentityProvider) -> None:
    ends_at = NOW + timedelta(minutes=5, seconds=30)
    for authenticator in (authenticator_for(provider), authenticator_for(provider)):
        token = provider.token()
        assert authenticator.principal_of(token, now=ends_at - SECOND)
        assert authenticator.principal_of(token, now=ends_at - SECOND)
        with pytest.raises(TokenExpiredError):
            authenticator.principal_of(token, now=ends_at)
    for claim in ("iat", "nbf"):
        token = provider.token(**{claim: NOW.timestamp() + 30.5})
        assert authenticator.principal_of(token, now=NOW + SECOND)
        with pytest.raises(InvalidTokenError, match="not valid yet"):
            authenticator_for(provider).principal_of(token, now=NOW)


# Who is not

Forge = Callable[[IdentityProvider], str]


def parts(*segments: object) -> str:
    """Write the segments of a token: bytes and text as they are, other values as JSON."""
    encoded = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in segments)
    return ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in encoded)


def public_pem(algorithm: str) -> bytes:
    public = key_for(algorithm).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def hmac_signed(provider: IdentityProvider, secret: bytes, **header: object) -> str:
    """Sign with what everybody can read, by hand: the library refuses to."""
    signed = parts({"alg": "HS256", "typ": "JWT", **header}, provider.claims())
    return f"{signed}.{parts(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def with_claims(token: str, claims: object) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{parts(claims)}.{signature}"


def swapped(provider: IdentityProvider, algorithm: str, **header: object) -> str:
    """Say in the header that another algorithm was used than the one that was."""
    _, claims, signature = provider.token().split(".")
    return ".".join([parts({"alg": algorithm, "kid": "rsa", "typ": "JWT", **header}), claims, signature])


FORGED: dict[str, Forge] = {
    "alg none": lambda p: parts({"alg": "none", "typ": "JWT"}, p.claims()) + ".",
    "alg None": lambda p: parts({"alg": "None", "kid": "rsa"}, p.claims()) + ".",
    "alg none with a signature": lambda p: swapped(p, "none"),
    "no alg": lambda p: parts({"typ": "JWT", "kid": "rsa"}, p.claims()) + ".",
    "alg of another type": lambda p: parts({"alg": ["RS256"], "kid": "rsa"}, p.claims()) + ".AAAA",
    "HS256 by the public key": lambda p: hmac_signed(p, public_pem("RS256"), kid="rsa"),
    "HS256 by the published key": lambda p: hmac_signed(p, json.dumps(p.keys[0]).encode(), kid="rsa"),
    "HS256 by nothing": lambda p: hmac_signed(p, b"", kid=""),
    "HS256 by a published secret": lambda p: hmac_signed(p, b"secret", kid="shared"),
    "another algorithm of the same key": lambda p: swapped(p, "PS256"),
    "an algorithm of another key": lambda p: swapped(p, "ES256"),
    "another key's id": lambda p: swapped(p, "RS256", kid="ec"),
    "an algorithm that is not allowed": lambda p: p.token(algorithm="RS256", header={"alg": "RS512"}),
    "an unknown key": lambda p: p.token(key=rsa_key(1), header={"kid": "mine"}),
    "an unknown key under a known id": lambda p: p.token(key=rsa_key(1)),
    "no key id where there are several keys": lambda p: p.token(header={"kid": None}),
    "a path for a key id": lambda p: p.token(header={"kid": "../../../../dev/null"}),
    "a key in the token": lambda p: p.token(key=rsa_key(1), header={"jwk": jwk_of(rsa_key(1), "rsa")}),
    "keys elsewhere": lambda p: p.token(key=rsa_key(1), header={"kid": "mine", "jku": f"{p.url}/mine"}),
    "a short key": lambda p: p.token(key=rsa_key(2, 1024), header={"kid": "short"}),
    "a key for encryption": lambda p: p.token(key=rsa_key(3), header={"kid": "enc"}),
    "a key whose private part is published": lambda p: p.token(key=rsa_key(4), header={"kid": "leaked"}),
    "a key published for another algorithm": lambda p: p.token(key=rsa_key(5), header={"kid": "rs512"}),
    "an extension that must be understood": lambda p: p.token(header={"crit": ["exp"], "exp": 1}),
    "an empty signature": lambda p: p.token().rpartition(".")[0] + ".",
    "another token's signature": lambda p: ".".join([*p.token().split(".")[:2], p.token(sub="1").split(".")[2]]),
    "other claims": lambda p: with_claims(p.token(), p.claims(scope="admin")),
    "unencoded claims": lambda p: p.token(header={"crit": ["b64"], "b64": False}),
    "a DER signature": lambda p: parts({"alg": "ES256", "kid": "ec"}, p.claims()) + "." + parts(b"0" * 70),
    "zeros for a signature": lambda p: parts({"alg": "ES256", "kid": "ec"}, p.claims()) + "." + parts(bytes(64)),
    "a logout token": lambda p: p.token(header={"typ": "logout+jwt"}),
    "a type that is no text": lambda p: p.token(header={"typ": ["JWT"]}),
    "another issuer": lambda p: p.token(iss="https://login.example/"),
    "the issuer with a slash": lambda p: p.token(iss=f"{p.issuer}/"),
    "another audience": lambda p: p.token(aud="other-service"),
    "other audiences": lambda p: p.token(aud=["a", "b"]),
    "an audience that contains ours": lambda p: p.token(aud=f"x{AUDIENCE}x"),
    **{f"no {claim}": (lambda p, claim=claim: p.token(**{claim: None})) for claim in REQUIRED},
    "an empty audience": lambda p: p.token(aud=[]),
    "an empty subject": lambda p: p.token(sub=""),
    "a subject with a line feed": lambda p: p.token(sub="jane\nadmin"),
    "a subject without end": lambda p: p.token(sub="x" * 256),
    "an end in text": lambda p: p.token(exp="2099-01-01"),
    "an end in text digits": lambda p: p.token(exp="4102444800"),
    "an end that is true": lambda p: p.token(exp=True),
    "an end without end": lambda p: p.token(exp=float("inf")),
    "an end that is no number": lambda p: p.token(exp=float("nan")),
    "an end of many digits": lambda p: p.token(exp=10**400),
    "no JSON": lambda _: parts(b"{", b"{") + ".AAAA",
    "a list of claims": lambda _: parts({"alg": "RS256", "kid": "rsa"}, [1]) + ".AAAA",
    "an endless nesting": lambda _: parts(b"[" * 5000, b"{}") + ".AAAA",
    "empty segments": lambda _: "..",
    "blanks": lambda p: p.token().replace(".", " .", 1),
    "too long": lambda p: p.token(padding="x" * LONGEST_TOKEN),
    "not ASCII": lambda p: p.token() + "é",
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused_without_being_repeated(provider: IdentityProvider, forge: Forge) -> None:
    provider.keys += [
        {"kty": "oct", "kid": "shared", "alg": "HS256", "k": "c2VjcmV0"},
        jwk_of(rsa_key(2, 1024), "short"),
        jwk_of(rsa_key(3), "enc", use="enc"),
        {**jwk_of(rsa_key(4), "leaked"), "d": "AQAB"},
        jwk_of(rsa_key(5), "rs512", alg="RS512"),
        {"kty": "RSA", "kid": "broken", "n": "x"},
        {"kid": 5, "kty": "RSA"},
    ]
    token = forge(provider)
    with pytest.raises(InvalidTokenError) as refused:
        authenticator_for(provider).principal_of(token, now=NOW)
    assert not any(part in refused.value.message for part in token.split(".") if len(part) > 3)
    assert "login.example" not in refused.value.message
    assert not any(path.endswith("/mine") for path in provider.asked)


def test_an_expired_token_is_said_to_be_one(provider: IdentityProvider) -> None:
    with pytest.raises(TokenExpiredError):
        authenticator_for(provider).principal_of(provider.token(exp=1), now=NOW)


BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    algorithm=st.sampled_from(ALGORITHMS), place=st.floats(0, 1, exclude_max=True), character=st.sampled_from(BASE64URL)
)
def test_no_character_of_a_token_can_be_changed(
    provider: IdentityProvider, algorithm: str, place: float, character: str
) -> None:
    token = provider.token(algorithm=algorithm)
    index = int(place * len(token))
    changed = token[:index] + character + token[index + 1 :]
    authenticator = authenticator_for(provider)
    if changed == token:
        assert authenticator.principal_of(changed, now=NOW)
    else:
        with pytest.raises(InvalidTokenError):
            authenticator.principal_of(changed, now=NOW)


def test_a_single_key_needs_no_id(provider: IdentityProvider) -> None:
    provider.keys = [jwk_of(ec_key(), None)]
    principal = authenticator_for(provider).principal_of(
        provider.token(algorithm="ES256", header={"kid": None}), now=NOW
    )
    assert principal.may(Scope.EXPORT)


def test_keys_of_different_kinds_may_share_an_id(provider: IdentityProvider) -> None:
    provider.keys = [jwk_of(key_for(one), "2026") for one in ("RS256", "ES256")]
    for algorithm in ("RS256", "PS256", "ES256"):
        token = provider.token(algorithm=algorithm, header={"kid": "2026"})
        assert authenticator_for(provider).principal_of(token, now=NOW)


def test_what_is_not_pinned_is_not_taken_though_the_key_could(provider: IdentityProvider) -> None:
    authenticator = authenticator_for(provider, algorithms=("ES256",))
    assert authenticator.principal_of(provider.token(algorithm="ES256"), now=NOW)
    for algorithm in set(KEY_IDS) - {"ES256"}:
        with pytest.raises(InvalidTokenError, match="ES256"):
            authenticator.principal_of(provider.token(algorithm=algorithm), now=NOW)


# Which token goes where


def test_our_own_tokens_and_those_of_the_provider_are_told_apart(provider: IdentityProvider) -> None:
    dotted = "cex_a.b.c"
    stored = StoredToken(name="jane", digest=digest_of(dotted), scopes=(Scope.AUDIT,), created_at=NOW, expires_at=None)
    tokens = TokenAuthenticator({stored.digest: stored}.get)
    authenticator = BearerAuthenticator(tokens=tokens, jwts=authenticator_for(provider))

    def name_of(secret: str) -> str:
        return authenticator.authenticate(BearerToken(secret=secret), now=NOW).name

    assert name_of(dotted) == "jane"
    assert name_of(provider.token()).startswith("jwt:")
    assert authenticator.authenticate(LocalOperator(user="root"), now=NOW).name == "local:root"
    for secret in ("", "cex_x", "abc", "a.b", "a.b.c", "a.b.c.d.e"):
        with pytest.raises(InvalidTokenError):
            name_of(secret)
    with pytest.raises(ExportError) as missing:
        authenticator.authenticate(BearerToken(secret=None), now=NOW)
    assert missing.value.code == "AUTHENTICATION_REQUIRED"


# Settings


def test_every_wrong_setting_is_named_with_its_remedy(provider: IdentityProvider) -> None:
    rules = rules_for(
        provider,
        issuer="http://login.example",
        jwks_url="file:///etc/keys",
        audiences=("",),
        algorithms=("RS256", "HS256", "none"),
    )
    with pytest.raises(ConfigurationError) as wrong:
        check_rules(rules)
    lines = wrong.value.message.splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "EXPORT_JWT_ISSUER",
        "EXPORT_JWT_JWKS_URL",
        "EXPORT_JWT_AUDIENCE",
        "EXPORT_JWT_ALGORITHMS",
        "EXPORT_JWT_ALGORITHMS",
    ]
    assert "'HS256'" in lines[3]
    assert "'none'" in lines[4]


@pytest.mark.parametrize(
    "issuer", ["", "login.example", "https://", "ftp://login.example", "https://a/?b=c", "http://127.0.0.1.example"]
)
def test_an_issuer_must_be_one(provider: IdentityProvider, issuer: str) -> None:
    with pytest.raises(ConfigurationError, match="EXPORT_JWT_ISSUER"):
        check_rules(rules_for(provider, issuer=issuer))


def test_right_settings_pass(provider: IdentityProvider) -> None:
    for changes in ({}, {"jwks_url": provider.jwks_url}, {"issuer": "https://login.example/realms/shop"}):
        rules = rules_for(provider, **changes)
        assert check_rules(rules) is rules


def test_without_rules_there_are_only_our_own_tokens(provider: IdentityProvider) -> None:
    stored = StoredToken(name="jane", digest=digest_of("cex_x"), scopes=(), created_at=NOW, expires_at=None)
    for rules, jwt_is_known in ((None, False), (rules_for(provider), True)):
        authenticator = make_authenticator({stored.digest: stored}.get, rules, monotonic=Clock())
        assert authenticator.authenticate(BearerToken(secret="cex_x"), now=NOW).name == "jane"
        if jwt_is_known:
            assert authenticator.authenticate(BearerToken(secret=provider.token()), now=NOW).may(Scope.EXPORT)
        else:
            with pytest.raises(InvalidTokenError):
                authenticator.authenticate(BearerToken(secret=provider.token()), now=NOW)
