"""One message to a real receiver: taken, refused, slow, or leading elsewhere."""

import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks

from customer_export.webhooks.sending import Sender
from customer_export.webhooks.signing import new_secret, signed_headers
from customer_export.webhooks.targets import read_networks
from webhook_receiver import Receiver, answering, dripping, receiving

LOOPBACK = read_networks("127.0.0.0/8", variable="WEBHOOK_ALLOWED_NETWORKS")
BODY = b'{"type":"export.webhook.test","data":{}}'


def sender(seconds: float = 5) -> Sender:
    return Sender(allowed=LOOPBACK, seconds=seconds, tls=ssl.create_default_context())


def test_the_reference_library_takes_what_is_signed_with_any_of_its_secrets() -> None:
    old, new = new_secret(), new_secret()
    with receiving(answering(204)) as receiver:
        headers = signed_headers([new, old], message_id="msg_1", at=datetime.now(UTC), body=BODY.decode())
        sent = sender()(receiver.url, headers=headers, body=BODY)
    assert (sent.is_delivered, sent.status) == (True, 204)
    ((got, body),) = receiver.messages
    assert body == BODY
    for secret in (old, new):
        assert standardwebhooks.Webhook(secret).verify(body, got)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(new_secret()).verify(body, got)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(new).verify(body + b" ", got)


@pytest.mark.parametrize("status", [301, 307, 400, 410, 500, 503])
def test_nothing_but_2xx_is_delivered_and_no_redirect_is_followed(status: int) -> None:
    with receiving(answering(204)) as inner, receiving(answering(status, Location=inner.url)) as receiver:
        sent = sender()(receiver.url, headers={}, body=BODY)
    assert (sent.is_delivered, sent.status, sent.error) == (False, status, None)
    assert inner.messages == []


def test_a_receiver_that_never_ends_its_answer_is_left_in_time() -> None:
    with receiving(dripping) as receiver:
        began = time.monotonic()
        sent = sender(seconds=0.5)(receiver.url, headers={}, body=BODY)
        assert time.monotonic() - began < 5
    assert (sent.status, sent.error) == (None, "no answer within 0.5 seconds")


def test_a_receiver_that_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sent = sender(seconds=0.3)(f"http://127.0.0.1:{silent.getsockname()[1]}/", headers={}, body=BODY)
    assert sent.error == "no answer within 0.3 seconds"


def test_a_receiver_that_is_down_is_told_by_kind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert sender()(f"http://127.0.0.1:{port}/", headers={}, body=BODY).error == "no answer (ConnectionRefusedError)"


def test_a_name_that_points_to_another_address_the_second_time_is_held_to_the_first() -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(f"{host}:{port}")
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with receiving(answering(200)) as receiver:
        url = receiver.url.replace("127.0.0.1", "rebinding.example")
        one = Sender(allowed=LOOPBACK, seconds=5, tls=ssl.create_default_context(), resolve=rebinding)
        assert one(url, headers={}, body=BODY).is_delivered
        assert len(asked) == 1
        refused = one(url, headers={}, body=BODY)
    assert refused.status is None
    assert "not public" in str(refused.error)
    assert len(receiver.messages) == 1


def test_without_a_network_that_is_allowed_nothing_reaches_loopback() -> None:
    with receiving(answering(200)) as receiver:
        one = Sender(allowed=(), seconds=5, tls=ssl.create_default_context())
        assert "not public" in str(one(receiver.url, headers={}, body=BODY).error)
    assert receiver.messages == []


def in_tls(folder: Path, receiver: Receiver) -> tuple[str, Path]:
    """Have a receiver speak TLS as localhost. Gives its URL and its certificate."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    return receiver.url.replace("http://127.0.0.1", "https://localhost"), certificate


class SlowTls(ssl.SSLContext):
    """As if the receiver had let all of the time go by before its side of TLS was done."""

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        wrapped = super().wrap_socket(*args, **kwargs)
        time.sleep(1)
        return wrapped


def test_what_takes_the_time_before_tls_gets_none_after_it(tmp_path: Path) -> None:
    with receiving(answering(200)) as receiver:
        url, certificate = in_tls(tmp_path, receiver)
        slow = SlowTls(ssl.PROTOCOL_TLS_CLIENT)
        slow.load_verify_locations(certificate)
        late = Sender(allowed=LOOPBACK, seconds=0.5, tls=slow, resolve=lambda _host, _port: ["127.0.0.1"])
        assert late(url, headers={}, body=BODY).error == "no answer within 0.5 seconds"
    assert receiver.messages == []


def test_a_certificate_of_nobody_known_is_refused(tmp_path: Path) -> None:
    with receiving(answering(200)) as receiver:
        url, certificate = in_tls(tmp_path, receiver)
        known = ssl.create_default_context(cafile=str(certificate))
        trusting = Sender(allowed=LOOPBACK, seconds=5, tls=known, resolve=lambda _host, _port: ["127.0.0.1"])
        assert trusting(url, headers={}, body=BODY).is_delivered
        other = url.replace("localhost", "other.example")
        assert "no TLS connection" in str(trusting(other, headers={}, body=BODY).error)
        assert "no TLS connection" in str(sender()(url, headers={}, body=BODY).error)
