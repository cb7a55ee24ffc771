"""Tickets on Customer 360 and on their own pages: how many there are, the way to the rest, and what was said."""

import re

import pytest
from django.test import Client

from support import ticket_history
from support.models import TicketMessage
from tests.factories import make_customer, make_ticket
from tests.pages.test_customer_list import NASTY

HTMX = {"HX-Request": "true"}


def words(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.status_code
    return " ".join(response.content.decode().split())


@pytest.fixture
def thandi(db: None):
    thandi = make_customer("Thandi Tamarvale", orders=1)
    for number in range(28):
        make_ticket(thandi, messages=0, subject=f"Question {number}")
    return thandi


def test_the_newest_six_come_with_the_total_and_a_way_to_the_rest(visitor: Client, thandi):
    page = words(visitor, f"/customers/{thandi.customer_id}/")
    assert page.count('class="q-ticket"') == 6
    assert f'href="/customers/{thandi.customer_id}/tickets/">All 28</a>' in page
    assert "Show 6 more" in page


def test_the_list_grows_and_ends(visitor: Client, thandi):
    address = f"/customers/{thandi.customer_id}/tickets/"
    part = words(visitor, f"{address}?page=2&few=1", **HTMX)
    assert part.count('class="q-ticket"') == 6
    assert "page=3&amp;few=1" in part
    assert "<html" not in part
    last = words(visitor, f"{address}?page=5&few=1", **HTMX)
    assert last.count('class="q-ticket"') == 4
    assert "tickets-more" not in last


def test_without_scripts_there_is_a_page_of_them_all(visitor: Client, thandi):
    address = f"/customers/{thandi.customer_id}/tickets/"
    page = words(visitor, f"{address}?few=1")
    assert "<h1>Tickets of Thandi Tamarvale</h1>" in page
    assert "1 to 25 of 28 tickets" in page
    assert words(visitor, f"{address}?page=2").count('class="q-ticket"') == 3


def test_a_few_tickets_need_no_way_to_more(visitor: Client):
    sarah = make_customer("Sarah Whitcombe")
    make_ticket(sarah)
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert "Show 6 more" not in page
    assert f"/customers/{sarah.customer_id}/tickets/" not in page


def test_a_ticket_opens_in_place_with_what_was_said(visitor: Client, shop):
    sarah = make_customer("Sarah Whitcombe")
    ticket = make_ticket(sarah, messages=2, subject="Dye lot")
    assert f'hx-get="/tickets/{ticket.pk}/"' in words(visitor, f"/customers/{sarah.customer_id}/")
    part = words(visitor, f"/tickets/{ticket.pk}/", **HTMX)
    assert "<html" not in part
    assert re.findall(r"(Heddle &amp; Hem|Sarah Whitcombe),", part) == ["Sarah Whitcombe", "Heddle &amp; Hem"]
    assert part.count("Hello") == 2
    assert "<h1>Dye lot</h1>" in words(visitor, f"/tickets/{ticket.pk}/")


@pytest.mark.parametrize("nasty", NASTY)
def test_messages_are_only_text(visitor: Client, nasty: str):
    ticket = make_ticket(make_customer(), messages=1, subject=nasty)
    TicketMessage.objects.update(body_text=nasty)
    for page in (words(visitor, f"/tickets/{ticket.pk}/"), words(visitor, f"/tickets/{ticket.pk}/", **HTMX)):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<svg/onload" not in page
        assert "laptop-only" not in page


def test_messages_that_we_do_not_have_are_said_to_be_missing(visitor: Client, monkeypatch: pytest.MonkeyPatch):
    told = make_ticket(make_customer(), messages=0, message_count=4)
    assert "gave us no messages of this ticket, only their number: 4." in words(visitor, f"/tickets/{told.pk}/")
    monkeypatch.setattr(ticket_history, "MESSAGES_SHOWN", 2)
    long = make_ticket(make_customer(), messages=3)
    assert "1 more message is in the help desk." in words(visitor, f"/tickets/{long.pk}/")


def test_a_ticket_of_nobody_can_be_read(visitor: Client):
    assert "Customer, " in words(visitor, f"/tickets/{make_ticket(None).pk}/")


@pytest.mark.parametrize("address", ["/tickets/999999/", "/tickets/99999999999999999999/", "/customers/nobody/tickets/"])
def test_what_is_not_there_is_said_in_our_words(visitor: Client, address: str):
    response = visitor.get(address)
    assert response.status_code == 404
    assert re.search(r"There is no (such ticket|customer nobody)\.", response.content.decode())


def test_tickets_are_for_people_who_are_signed_in(client: Client, thandi, shop):
    for address in (f"/customers/{thandi.customer_id}/tickets/", f"/tickets/{thandi.tickets.first().pk}/"):
        assert client.get(address).headers["Location"].startswith("/login/")


def test_tickets_cost_a_fixed_number_of_queries(visitor: Client, thandi, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        words(visitor, f"/customers/{thandi.customer_id}/tickets/")
    long = make_ticket(thandi, messages=9)
    with django_assert_max_num_queries(9):
        words(visitor, f"/tickets/{long.pk}/")
