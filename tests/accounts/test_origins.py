"""Origins as browsers write them, for keys and for the whole installation alike."""

import pytest
from django.core.exceptions import ValidationError

from accounts.models import web_origins
from accounts.origins import is_origin
from quimbi import environment


@pytest.mark.parametrize(
    "right",
    [
        "https://shop.example",
        "http://localhost:3000",
        "https://a-b.c1.example:8443",
        "https://my_shop.example",
        "https://xn--bcher-kva.example",
        "http://shop.example:443",
        "https://shop.example:80",
        "https://shop.example:65535",
        "http://192.0.2.7:8000",
        "http://[::1]:5173",
        "http://[2001:db8::7]",
    ],
)
def test_what_browsers_send_is_an_origin(right):
    assert is_origin(right)
    web_origins([right])


@pytest.mark.parametrize(
    "wrong",
    [
        "shop.example",
        "https://shop.example/",
        "https://Shop.example",
        "https://user@shop.example",
        "*",
        "null",
        "",
        "https://",
        "ftp://shop.example",
        "https://a b",
        "https://bücher.example",
        "https://shop.example:443",
        "http://shop.example:80",
        "https://shop.example:",
        "https://shop.example:0",
        "https://shop.example:08443",
        "https://shop.example:65536",
        "https://shop.example:99999",
        "https://a..b",
        "https://.shop.example",
        "https://shop.example.",
        "https://-shop.example",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 130 + "example",
        "http://192.0.2",
        "http://192.0.2.256",
        "http://[::0001]",
        "http://[1:2]",
        "https://shop.example\n",
    ],
)
def test_what_no_browser_sends_is_refused_for_keys_and_in_settings(wrong, monkeypatch, capsys):
    with pytest.raises(ValidationError, match="is no origin"):
        web_origins([wrong])
    if wrong.strip() == wrong and wrong:  # a variable is stripped, and an empty one counts as none
        monkeypatch.setenv("QUIMBI_CORS_ORIGINS", wrong)
        with pytest.raises(SystemExit):
            environment.origins("QUIMBI_CORS_ORIGINS")
        assert "without a path or the scheme's usual port" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [[1], "https://shop.example", None])
def test_what_is_no_list_of_texts_is_refused(wrong):
    with pytest.raises(ValidationError, match=r"is no origin|Write a list"):
        web_origins(wrong)
