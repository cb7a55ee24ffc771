"""The one way out: where it goes, where it refuses to go, and how long it stays."""

import ipaddress
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pytest

from integrations import http
from integrations.errors import IntegrationError, TemporaryIntegrationError


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(http, "ATTEMPT_SECONDS", 0.4)


@pytest.fixture
def production(settings):
    settings.PRODUCTION, settings.WEBHOOK_ALLOW_PRIVATE = True, False


def resolves_to(monkeypatch, *addresses):
    """The name server answers with these; returns the addresses that connections went to."""
    asked = []

    def answer(host, port, **kwargs):
        return [(socket.AF_INET6 if ":" in text else socket.AF_INET, 1, 6, "", (text, port)) for text in addresses]

    monkeypatch.setattr(http.socket, "getaddrinfo", answer)

    def connect(address, timeout=None):
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(http.socket, "create_connection", connect)
    return asked


@contextmanager
def answering(words, *, drips=False):
    """A server that answers one request with these bytes and hangs up; its address."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            line, _ = server.accept()
            with line, suppress(OSError):
                line.recv(1000)
                for byte in words if drips else ():
                    line.sendall(bytes([byte]))
                    if over.wait(0.05):
                        return
                line.sendall(b"" if drips else words)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        over.set()


def test_it_posts_the_body_to_the_byte_and_returns_the_answer(receiver):
    receiver.statuses = [202]
    answer = http.post(f"{receiver.url}?a=1&b=%20", b'{"a":"\xc3\xa9"}', {"Content-Type": "application/json"})
    headers, path, body = receiver.received[0]
    assert (answer.status, answer.is_fine, answer.retry_after_seconds) == (202, True, None)
    assert (path, body) == ("/hooks?a=1&b=%20", b'{"a":"\xc3\xa9"}')
    assert headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert headers["User-Agent"] == "Quimbi"


def test_an_answer_counts_as_soon_as_its_head_is_there(receiver):
    receiver.statuses, receiver.drips, receiver.answer_body = [200], True, b"x" * 1_000
    assert http.post(receiver.url, b"", {}).is_fine


def test_an_answer_whose_body_breaks_off_is_an_answer():
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this") as url:
        assert http.post(url, b"", {}).is_fine


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120.0), ("0", 0.0), ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0), ("soon", None), ("-5", None), ("9" * 5_000, None)],
)
def test_how_long_the_receiver_asks_us_to_wait(receiver, text, seconds):
    receiver.statuses, receiver.headers = [429], {"Retry-After": text}
    assert http.post(receiver.url, b"", {}).retry_after_seconds == seconds


def test_a_redirect_is_not_followed(receiver):
    receiver.statuses, receiver.headers = [302], {"Location": receiver.url}
    assert http.post(receiver.url, b"", {}).status == 302
    assert len(receiver.received) == 1


def test_who_hangs_is_left(receiver, hurried):
    receiver.hangs = True
    began = time.monotonic()
    with pytest.raises(TemporaryIntegrationError, match="did not answer within"):
        http.post(receiver.url, b"", {})
    assert time.monotonic() - began < 5


def test_who_sends_the_head_drop_by_drop_is_left_too(hurried):
    drip = answering(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000, drips=True)
    with drip as url, pytest.raises(TemporaryIntegrationError, match="did not answer within"):
        http.post(url, b"", {})


def test_connecting_agreeing_on_keys_sending_and_reading_have_one_time_together(monkeypatch):
    """Connecting takes 2 s of the 10, the handshake 5, sending 1: 2 are left for the answer."""
    clock, given = [100.0], {}
    monkeypatch.setattr(http, "time", SimpleNamespace(monotonic=lambda: clock[0], time=time.time))

    def taking(name, seconds, result=None):
        def work(*arguments, **options):
            given[name] = options.get("timeout", line.patience)
            clock[0] += seconds
            return result(*arguments) if callable(result) else result

        return work

    line = SimpleNamespace(patience=None, close=lambda: None)
    line.settimeout = lambda seconds: setattr(line, "patience", seconds)
    line.send = taking("send", 0.5, len)
    line.recv_into = taking("read", 2.0, lambda buffer: 0)
    monkeypatch.setattr(http.socket, "getaddrinfo", lambda *args, **kw: [(socket.AF_INET, 1, 6, "", ("93.184.216.34", 443))])
    monkeypatch.setattr(http.socket, "create_connection", taking("connect", 2.0, line))
    monkeypatch.setattr(http, "_tls", lambda: SimpleNamespace(wrap_socket=taking("handshake", 5.0, line)))
    with pytest.raises(TemporaryIntegrationError, match="broke off"):
        http.post("https://hooks.example/", b"body", {})
    assert given == {"connect": 3.0, "handshake": 8.0, "send": 2.5, "read": 2.0}


def test_nobody_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(TemporaryIntegrationError, match="Nobody answers"):
            http.post(f"http://127.0.0.1:{unused.getsockname()[1]}/", b"", {})


def test_an_unknown_name(monkeypatch):
    def nobody(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(http.socket, "getaddrinfo", nobody)
    with pytest.raises(TemporaryIntegrationError, match="not known"):
        http.post("http://no-such-host.invalid/", b"", {})


def test_what_is_not_http():
    with answering(b"220 mail.example ESMTP\r\n") as url, pytest.raises(TemporaryIntegrationError, match="HTTP"):
        http.post(url, b"", {})


def test_tls_is_asked_for_by_name_and_the_certificate_is_checked(monkeypatch, tmp_path):
    """A server whose certificate nobody vouches for: the handshake names the host, and nothing is sent."""
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=hooks.example", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is not installed")
    named, sent = [], []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.sni_callback = lambda line, name, _: named.append(name)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        port = server.getsockname()[1]
        monkeypatch.setattr(http.socket, "getaddrinfo", lambda *args, **kw: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))])

        def answer():
            line, _ = server.accept()
            try:
                with context.wrap_socket(line, server_side=True) as secure:
                    sent.append(secure.recv(1000))
            except (ssl.SSLError, OSError):
                line.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(TemporaryIntegrationError, match="certificate"):
            http.post(f"https://hooks.example:{port}/", b"secret", {})
        thread.join(5)
    assert named == ["hooks.example"]
    assert b"secret" not in b"".join(sent)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.127.255.255", "192.0.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "168.63.129.16",
        "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:db8::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::127.0.0.1",
    ],
)  # fmt: skip
def test_no_private_address_is_asked_in_production(production, monkeypatch, address):
    assert not http.may_be_asked(ipaddress.ip_address(address))
    asked = resolves_to(monkeypatch, address)
    with pytest.raises(IntegrationError, match="private network") as refusal:
        http.post("https://hooks.example/", b"", {})
    assert address not in str(refusal.value)
    assert asked == []


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "100.63.255.255", "100.128.0.1"])
def test_public_addresses_are_asked_by_the_address_that_was_judged(production, monkeypatch, address):
    asked = resolves_to(monkeypatch, address)
    with pytest.raises(TemporaryIntegrationError, match="Nobody answers"):
        http.post("https://hooks.example/", b"", {})
    assert asked == [(address, 443)]


def test_a_name_with_a_public_and_a_private_address_is_refused(production, monkeypatch):
    asked = resolves_to(monkeypatch, "93.184.216.34", "10.0.0.1")
    with pytest.raises(IntegrationError, match="private network"):
        http.post("https://hooks.example/", b"", {})
    assert asked == []


def test_the_name_server_is_asked_once(production, monkeypatch):
    """A second answer could be another one (DNS rebinding)."""
    asked = resolves_to(monkeypatch, "93.184.216.34")
    answers = iter([[(socket.AF_INET, 1, 6, "", ("93.184.216.34", 443))], [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 443))]])
    monkeypatch.setattr(http.socket, "getaddrinfo", lambda *args, **kwargs: next(answers))
    with pytest.raises(TemporaryIntegrationError):
        http.post("https://hooks.example/", b"", {})
    assert asked == [("93.184.216.34", 443)]
    assert next(answers)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "LOCALHOST"])
def test_no_spelling_of_this_machine_helps(production, receiver, host):
    with pytest.raises(IntegrationError, match="private network"):
        http.post(f"https://{host}:{receiver.port}/", b"", {})
    assert receiver.received == []


def test_metadata_is_never_asked_even_where_private_networks_are(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert http.may_be_asked(ipaddress.ip_address("127.0.0.1"))
    assert http.may_be_asked(ipaddress.ip_address("192.168.1.20"))
    for address in ("169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0", "::ffff:169.254.169.254", "224.0.0.1"):
        assert not http.may_be_asked(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://example.com/", "not an address"),
        ("javascript:alert(1)", "not an address"),
        ("https://", "not an address"),
        ("example.com/hooks", "not an address"),
        ("https://example.com:99999/", "not an address"),
        ("https://example.com:0/", "not an address"),
        ("https://[::1", "not an address"),
        ("https://[::1]/", "not an address"),
        ("https://exa*mple.com/", "not an address"),
        ("https://example.com:65536/", "not an address"),
        ("https://example.com:0443/", "not an address"),
        ("https://example.com\\@evil.example/", "user and password"),
        ("https://-example.com/", "not an address"),
        ("https://user:secret@example.com/", "user and password"),
        ("https://example.com/#part", "begins with #"),
        ("https://example.com/a b", "spaces"),
        ("https://example.com/a\r\nX-Header: 1", "plain characters"),
        ("https://exämple.com/", "plain characters"),
        ("https://example.com/" + "a" * 500, "at most 500"),
        ("", "not an address"),
    ],
)
def test_what_is_no_address_to_send_to_is_refused_in_words(url, told):
    with pytest.raises(IntegrationError, match=told):
        http.checked(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com", "https://example.com?x=1", "https://EXAMPLE.com:65535/a/b?c=d&e=[1]", "http://my_host/",
        "http://10.0.0.1:8080/", "https://example.com/a@b", "https://a/\\",
    ],
)  # fmt: skip
def test_what_may_be_written(url):
    assert http.checked(url).hostname


LINK_LOCAL = ["169.254.169.254", "169.254.0.1", "169.254.43518", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376"]
OF_NO_MACHINE = ["0.0.0.0", "0", "224.0.0.1", "100.100.100.200", "168.63.129.16"]
PRIVATE = ["127.0.0.1", "127.1", "10.0.0.1", "192.168.1.20", "3232235796", "100.64.0.1"]


@pytest.fixture
def no_name_server(monkeypatch):
    def asked(*args, **kwargs):
        raise AssertionError("a name server was asked")

    monkeypatch.setattr(http.socket, "getaddrinfo", asked)


@pytest.mark.parametrize("host", [*LINK_LOCAL, *OF_NO_MACHINE, *PRIVATE])
def test_a_written_address_is_judged_in_every_spelling_before_anything_is_sent(production, no_name_server, host):
    with pytest.raises(IntegrationError, match=r"private network, where Quimbi does not send; enter a public address\.$"):
        http.checked(f"https://{host}/latest/meta-data")
    with pytest.raises(IntegrationError, match="private network"):
        http.post(f"https://{host}:8443/", b"", {})


@pytest.mark.parametrize("host", [*LINK_LOCAL, *OF_NO_MACHINE])
def test_where_private_networks_are_allowed_metadata_is_refused_when_written_too(settings, no_name_server, host):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with pytest.raises(IntegrationError, match="link-local"):
        http.checked(f"http://{host}/")
    for allowed in PRIVATE:
        assert http.checked(f"http://{allowed}/").hostname == allowed


def test_a_written_link_local_address_of_ipv6_is_no_address_that_can_be_entered(settings):
    for host in ("[fe80::1]", "[fe80::1%25eth0]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"):
        with pytest.raises(IntegrationError):
            http.checked(f"http://{host}/")


def test_a_name_is_judged_when_something_is_sent_and_not_when_it_is_written(production, monkeypatch):
    asked = resolves_to(monkeypatch, "169.254.169.254")
    assert http.checked("https://hooks.example/").hostname == "hooks.example"
    with pytest.raises(IntegrationError, match="private network"):
        http.post("https://hooks.example/", b"", {})
    assert asked == []


def test_production_wants_https(production):
    with pytest.raises(IntegrationError, match="https://"):
        http.checked("http://example.com/")


def test_a_laptop_may_send_to_itself_and_production_does_not_unless_told():
    code = "from quimbi import settings; print(settings.WEBHOOK_ALLOW_PRIVATE)"
    told = []
    for given in ({}, {"QUIMBI_ENV": "production"}, {"QUIMBI_ENV": "production", "QUIMBI_WEBHOOK_ALLOW_PRIVATE": "1"}):
        bare = {"PATH": os.environ["PATH"], "QUIMBI_VAR": os.environ["QUIMBI_VAR"], **given}
        told.append(subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=True).stdout)
    assert [each.strip() for each in told] == ["True", "False", "True"]
