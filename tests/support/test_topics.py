"""What a ticket is about."""

import pytest

from support.importing import channel_of
from support.topics import topic_of


@pytest.mark.parametrize(
    ("tags", "subject", "topic"),
    [
        ([], "Where is my parcel?", "delivery"),
        ([], "My order hasn't arrived yet", "delivery"),
        ([], "I want my money back", "return"),
        (["return_request"], "Hello", "return"),
        ([], "The sewing machine stopped working", "technical"),
        (["price-match"], "Where is my parcel?", "price_match"),
        ([], "Do you match the price of others?", "price_match"),
        ([], "How do I block a shawl?", "how_to"),
        ([], "Hello", "other"),
        ([], "", "other"),
    ],
)
def test_the_topic_follows_from_tags_first_and_then_the_subject(tags, subject, topic):
    assert topic_of(tags, subject) == topic


@pytest.mark.parametrize(
    ("name", "channel"),
    [("Email", "email"), ("contact form", "email"), ("Aircall", "phone"), ("WhatsApp", "sms"), ("instagram", "social"),
     ("help-center", "help_center"), ("self service", "help_center"), ("pigeon", "other")],
)  # fmt: skip
def test_channels_of_help_desks_have_our_names(name, channel):
    assert channel_of(name) == channel
