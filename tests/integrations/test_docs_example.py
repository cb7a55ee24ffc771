"""The example of docs/webhooks.md verifies what is really sent, and the page says what is true."""

import re
from pathlib import Path

import pytest

from integrations import delivering, http
from integrations.delivering import DISABLED_AFTER, RETRY_SECONDS, Tally, deliver_due
from integrations.events import EVENTS, TEST
from integrations.forgetting import KEPT
from integrations.webhooks import CHANGES_A_MESSAGE, emit

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()


@pytest.mark.django_db
def test_the_example_accepts_what_was_sent_and_nothing_else(endpoint, receiver):
    example = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], example)
    is_from_quimbi = example["is_from_quimbi"]
    emit("segmentation.published", lambda: {"run_id": 1})
    deliver_due(Tally())
    headers, _, body = receiver.received[0]
    headers = {name.lower(): value for name, value in headers.items()}
    assert is_from_quimbi(headers, body, endpoint.secret)
    assert not is_from_quimbi(headers, body + b" ", endpoint.secret)
    assert not is_from_quimbi({**headers, "webhook-id": "evt_2"}, body, endpoint.secret)
    assert not is_from_quimbi(headers, body, "whsec_" + "A" * 43 + "=")
    old = str(int(headers["webhook-timestamp"]) - 301)
    assert not is_from_quimbi({**headers, "webhook-timestamp": old}, body, endpoint.secret)
    assert not is_from_quimbi({**headers, "webhook-timestamp": "x"}, body, endpoint.secret)


def test_every_event_type_is_in_the_table():
    listed = re.findall(r"^\| `([a-z_.]+)` \|", PAGE.split("## Verifying")[0], re.MULTILINE)
    assert listed == [*EVENTS, TEST]


def test_the_numbers_are_those_of_the_code():
    words = re.sub(r"\s+", " ", PAGE)
    assert RETRY_SECONDS == (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    assert "after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h" in words
    assert (DISABLED_AFTER.days, KEPT.days, CHANGES_A_MESSAGE, http.ATTEMPT_SECONDS) == (5, 30, 500, 10)
    assert (delivering.PAUSE_SECONDS, delivering.LONGEST_PAUSE_SECONDS) == (300, 3600)
    assert sorted(delivering.BUSY) == [429, 502, 503, 504]
    for said in (
        "five days of nothing but failures", "for thirty days", "up to 500", "within ten seconds", "wait five minutes",
        "429, 502, 503 or 504", "an hour at most",
    ):  # fmt: skip
        assert said in words
