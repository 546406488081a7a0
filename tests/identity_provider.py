"""An OpenID provider for tests: real HTTP on the loopback interface, keys of its own, and every fault on demand."""

import json
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from customer_export.auth.identity_provider import fetcher_of
from customer_export.auth.jwt import JwtAuthenticator
from customer_export.auth.jwt_rules import JwtRules
from customer_export.auth.keys import ProviderKeys

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
AUDIENCE = "customer-export"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Jwk = dict[str, Any]


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Make a key, the same one for a number: RSA's take a tenth of a second each."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """Make a key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key(number: int = 0) -> ed25519.Ed25519PrivateKey:
    """Make an Ed25519 key."""
    return ed25519.Ed25519PrivateKey.generate()


def jwk_of(key: PrivateKey, key_id: str | None, **more: object) -> Jwk:
    """Describe a key as it is published."""
    public = key.public_key()
    match public:
        case rsa.RSAPublicKey():
            text = RSAAlgorithm.to_jwk(public)
        case ec.EllipticCurvePublicKey():
            text = ECAlgorithm.to_jwk(public)
        case _:
            text = OKPAlgorithm.to_jwk(public)
    described = {name: value for name, value in json.loads(text).items() if name != "key_ops"}
    return {**described, **({} if key_id is None else {"kid": key_id}), **more}


def key_for(algorithm: str) -> PrivateKey:
    """Give the provider's key of an algorithm."""
    return {"ES256": ec_key, "EdDSA": ed_key}.get(algorithm, rsa_key)()


KEY_IDS = {"RS256": "rsa", "PS256": "rsa", "ES256": "ec", "EdDSA": "ed"}
FOUND = "/.well-known/openid-configuration"

Answer = Callable[[BaseHTTPRequestHandler], None]


def published_keys() -> list[Jwk]:
    """Give the provider's keys as it publishes them."""
    return [jwk_of(key_for(algorithm), KEY_IDS[algorithm]) for algorithm in ("RS256", "ES256", "EdDSA")]


@dataclass
class IdentityProvider:
    """A provider that answers what the test says. `asked` are the paths of all requests, in their order."""

    url: str = ""
    keys: list[Jwk] = field(default_factory=published_keys)
    configuration: dict[str, object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    instead: Answer | None = None

    @property
    def issuer(self) -> str:
        """The issuer, as it stands in tokens."""
        return f"{self.url}/realms/shop"

    @property
    def jwks_url(self) -> str:
        """Where the keys are."""
        return f"{self.issuer}/keys"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request."""
        self.asked.append(request.path)
        if self.instead is not None:
            self.instead(request)
        elif request.path.endswith(FOUND):
            send(request, {"issuer": self.issuer, "jwks_uri": self.jwks_url, **self.configuration})
        else:
            send(request, {"keys": self.keys})

    def claims(self, **changes: object) -> dict[str, object]:
        """Give the claims of a good token, changed; None leaves a claim out."""
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "4711",
            "iat": int(NOW.timestamp()),
            "exp": int((NOW + timedelta(minutes=5)).timestamp()),
            "scope": "openid customers:export",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        *,
        algorithm: str = "RS256",
        key: PrivateKey | None = None,
        header: Mapping[str, object] | None = None,
        **changes: object,
    ) -> str:
        """Sign a token; `changes` are of its claims."""
        headers = {"kid": KEY_IDS[algorithm], **(header or {})}
        kept = {name: value for name, value in headers.items() if value is not None}
        with warnings.catch_warnings(category=jwt.InsecureKeyLengthWarning, action="ignore"):
            return jwt.encode(self.claims(**changes), key or key_for(algorithm), algorithm=algorithm, headers=kept)


def send(request: BaseHTTPRequestHandler, content: object, *, status: int = 200) -> None:
    """Answer with JSON, or with bytes as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def running_provider() -> Iterator[IdentityProvider]:
    """Start a provider, and stop it again."""
    provider = IdentityProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.answer(self)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Clock:
    """Seconds that a test moves."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        """Give the seconds."""
        return self.seconds


def rules_for(provider: IdentityProvider, **changes: object) -> JwtRules:
    """Give the rules that the provider's tokens keep to."""
    rules = {
        "issuer": provider.issuer,
        "audiences": (AUDIENCE,),
        "algorithms": ALGORITHMS,
        "leeway": timedelta(seconds=30),
        **changes,
    }
    return JwtRules(**rules)  # type: ignore[arg-type]


def authenticator_for(provider: IdentityProvider, *, clock: Clock | None = None, **changes: object) -> JwtAuthenticator:
    """Make an authenticator that trusts the provider."""
    rules = rules_for(provider, **changes)
    fetch = fetcher_of(issuer=rules.issuer, jwks_url=None)
    return JwtAuthenticator(rules, ProviderKeys(fetch, algorithms=rules.algorithms, monotonic=clock or Clock()))
