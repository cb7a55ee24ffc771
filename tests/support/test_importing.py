from datetime import timedelta

import pytest

from customers.models import Customer
from support.importing import BODY_LIMIT, channel_of
from support.models import Ticket, TicketMessage
from tests.customers.importing.storage import an_import, at, batch, bring, customer, day, message, ticket
from tests.factories import NOW, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    return make_shop()


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (Customer, Ticket, TicketMessage)]


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("Email", "email"), ("Contact Form", "email"), ("live-chat", "chat"), ("Instagram direct message", "social"),
        ("WhatsApp", "sms"), ("aircall", "phone"), ("Help  Center", "help_center"), ("pigeon", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_a_help_desks_channels_get_our_names(name, channel):
    assert channel_of(name) == channel


def test_a_ticket_joins_its_customer_by_id_or_by_email():
    bring(batch(customers=[customer("C1", email="Vera@example.com")]))
    tickets = [
        ticket("T1", customer_id="C1"),
        ticket("T2", email="vera@EXAMPLE.com"),
        ticket("T3", customer_id="C7"),
        ticket("T4"),
    ]
    bring(batch(tickets=tickets), data_import=an_import(kind="tickets"))
    found = Ticket.objects.order_by("ticket_id").values_list("customer__customer_id", flat=True)
    assert list(found) == ["C1", "C1", "C7", None]


def test_messages_may_come_before_their_ticket_and_bodies_are_clipped():
    bring(
        batch(messages=[message("M1", "T1", body_text="x" * (BODY_LIMIT + 5), from_agent=True)]),
        batch(tickets=[ticket("T1", subject="Refund please", message_count=3)]),
    )
    stored = TicketMessage.objects.get()
    assert (stored.ticket.ticket_id, stored.from_agent, len(stored.body_text)) == ("T1", True, BODY_LIMIT)
    assert (stored.ticket.topic, stored.ticket.message_count, stored.ticket.channel) == ("return", 3, "other")


def test_a_message_without_a_ticket_is_rejected():
    tickets = [ticket(f"T{number}") for number in range(40)]
    summary = bring(batch(tickets=tickets, messages=[message("M1", "nowhere")]))
    assert (summary.rows_rejected, TicketMessage.objects.count(), Ticket.objects.count()) == (1, 0, 40)


def test_the_same_tickets_twice_change_nothing():
    told = [
        batch(
            tickets=[ticket("T1", customer_id="C1", tags=["vip", "return"], satisfaction_score=5, closed_at=at(4, 3))],
            messages=[message("M1", body_text="Hello")],
        )
    ]
    bring(*told)
    before = everything()
    bring(*told, as_of=NOW + timedelta(days=1))
    assert everything() == before


def test_a_later_file_corrects_a_ticket_and_unknown_leaves_what_is_known():
    known = ticket("T1", customer_id="C1", channel="chat", subject="Where is my parcel?", status="open", satisfaction_score=4,
                   tags=["vip"], message_count=2, reopened=True)  # fmt: skip
    bring(batch(tickets=[known]))
    before = everything()
    bring(batch(tickets=[ticket("T1")]), as_of=NOW + timedelta(days=1))
    assert everything() == before
    bring(batch(tickets=[ticket("T1", status="Closed", closed_at=at(4, 5), message_count=6)]))
    stored = Ticket.objects.get()
    assert (stored.status, stored.closed_at, stored.message_count, stored.topic) == ("closed", day(4, 5), 6, "delivery")


@pytest.mark.parametrize(("score", "kept"), [(0, None), (1, 1), (5, 5), (100, None)])
def test_a_score_outside_one_to_five_is_unknown(score, kept):
    bring(batch(tickets=[ticket("T1", satisfaction_score=score)]))
    assert Ticket.objects.get().satisfaction_score == kept
