"""Signatures by the Standard Webhooks specification."""

import base64
import subprocess

import pytest

from integrations.signing import PREFIX, new_secret, signature, signed_headers

SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes of a known key!").decode()


def test_the_specifications_own_example():
    """The example that stands in the libraries of the specification."""
    body = b'{"test": 2432232314}'
    signed = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_openssl_comes_to_the_same():
    body = b'{"type":"webhook.test"}'
    command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "key:thirty-two bytes of a known key!", "-binary"]
    try:
        made = subprocess.run(command, input=b"evt_1.1700000000." + body, capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    assert signature(SECRET, "evt_1", 1_700_000_000, body) == "v1," + base64.b64encode(made).decode()


def test_every_part_counts():
    signed = signature(SECRET, "evt_1", 1_700_000_000, b"{}")
    assert signature(SECRET, "evt_2", 1_700_000_000, b"{}") != signed
    assert signature(SECRET, "evt_1", 1_700_000_001, b"{}") != signed
    assert signature(SECRET, "evt_1", 1_700_000_000, b"{} ") != signed
    assert signature(new_secret(), "evt_1", 1_700_000_000, b"{}") != signed


def test_a_new_secret_is_256_random_bits():
    one, other = new_secret(), new_secret()
    assert one != other
    assert len(base64.b64decode(one.removeprefix(PREFIX), validate=True)) == 32


@pytest.mark.parametrize("secret", ["", "abc", "whsec_$", PREFIX + "a"])
def test_what_is_no_secret_is_refused(secret):
    with pytest.raises(ValueError, match=r"secret|base64|padding|Incorrect|Only|alphabet|Excess|Invalid|Non"):
        signature(secret, "evt_1", 1, b"")


def test_two_secrets_make_two_signatures():
    headers = signed_headers([SECRET, new_secret()], "evt_1", 1_700_000_000, b"{}")
    assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    one, other = headers["webhook-signature"].split(" ")
    assert one == signature(SECRET, "evt_1", 1_700_000_000, b"{}")
    assert other.startswith("v1,")
