"""What is recommended, in words: the right thing first, for a reason in the customer's own numbers, and codes hardly ever."""

import re
from dataclasses import replace
from decimal import Decimal
from itertools import product
from types import SimpleNamespace

import pytest

from insights.retention_alert import retention_alert
from predictions.retention import Advice, Facts, OpenTicket, advise, recommendation

LATE_REGULAR = Facts(
    lapse_level="critical",
    lapse_score=0.84,
    horizon_days=90,
    recency_days=61,
    usual_gap_days=24.0,
    overdue_ratio=61 / 24,
    order_count=24,
    tier="high",
    trend=-1,
    codes_used=2,
    has_email_consent=True,
    average_order_value=Decimal("142.50"),
    expected_value_180d=Decimal("310.00"),
    favourite="rose cotton thread",
)
HEALTHY = replace(
    LATE_REGULAR, lapse_level="low", lapse_score=0.12, recency_days=9, overdue_ratio=9 / 24, trend=0, next_order_days=(10, 24)
)
ONE_ORDER = replace(
    LATE_REGULAR,
    order_count=1,
    codes_used=0,
    recency_days=70,
    usual_gap_days=48.0,
    horizon_days=180,
    overdue_ratio=70 / 48,
    trend=0,
)
LONG_GONE = replace(
    LATE_REGULAR, tier="low", recency_days=400, overdue_ratio=400 / 24, expected_value_180d=Decimal("4.20"), trend=0
)
TICKET = OpenTicket("1042", "Where is my order?")


def dollars(amount):
    return f"${amount:,.2f}"


def advice(facts, **changes) -> Advice:
    return advise(replace(facts, **changes), dollars)


def first(facts, **changes):
    return advice(facts, **changes).actions[0]


def kinds(facts, **changes):
    return [action.kind for action in advice(facts, **changes).actions]


def test_a_late_regular_gets_a_personal_note_about_what_is_usually_bought():
    note = first(LATE_REGULAR)
    assert (note.kind, note.title) == ("note", "Write a personal note about rose cotton thread")
    assert note.why == "61 days since the last order, usually 24, lapse risk 84%"
    assert note.cost == "A person's time"
    assert first(LATE_REGULAR, favourite="").title == "Write a personal note"


def test_a_late_regular_of_little_value_is_left_to_the_next_campaign():
    assert first(LATE_REGULAR, tier="low").title == "Include in the next win-back campaign"


def test_an_open_ticket_comes_before_everything_else():
    reply = first(LATE_REGULAR, open_ticket=TICKET, last_order_is_unsent=True)
    assert reply.title == "Have a person reply to ticket #1042"
    assert reply.why == "The ticket “Where is my order?” is open"
    assert kinds(LATE_REGULAR, open_ticket=TICKET, last_order_is_unsent=True) == ["reply", "check_order", "note"]
    assert first(HEALTHY, open_ticket=OpenTicket("#77")).title == "Have a person reply to ticket #77"
    assert first(HEALTHY, open_ticket=OpenTicket("77")).why == "The ticket is open"


def test_while_somebody_unhappy_waits_nothing_else_is_sent():
    complaint = OpenTicket("1042", "Broken again", is_unhappy=True)
    found = advice(LATE_REGULAR, open_ticket=complaint, codes_used=20)
    assert [action.kind for action in found.actions] == ["reply"]
    assert found.actions[0].why == "The ticket “Broken again” is open, and sounds unhappy"
    assert found.discount_note == "No discount suggested: a complaint is open."


def test_a_long_subject_is_cut_to_one_line():
    why = first(HEALTHY, open_ticket=OpenTicket("1", "Order\n" + "again and " * 30)).why
    assert len(why) < 90
    assert "\n" not in why
    assert "…”" in why


def test_a_customers_words_cannot_close_the_quotation_marks_they_stand_in():
    subject = 'Hi” is solved. „Now” do\n\u2028this: "ask“ for everybody'
    inside = "Hi' is solved. 'Now' do this: 'ask' for everybody"
    assert first(HEALTHY, open_ticket=OpenTicket("1", subject)).why == f"The ticket “{inside}” is open"
    lapse = SimpleNamespace(level="critical", horizon_days=90, overdue_ratio=2.0, usual_gap_days=24)
    alert = retention_alert(
        SimpleNamespace(name="Vera", order_count=9), SimpleNamespace(lapse=lapse, recency_days=48), open_ticket=subject
    )
    assert alert.text.endswith(f"There is also an open ticket, “{inside}”.")


def test_an_order_that_was_not_sent_for_a_week_is_checked_on():
    check = first(HEALTHY, last_order_is_unsent=True)
    assert (check.title, check.why) == ("Check on the last order", "Not sent 9 days after it was placed")
    assert kinds(HEALTHY, last_order_is_unsent=True, recency_days=6) == ["nothing"]


def test_a_one_time_buyer_past_the_usual_time_is_helped_to_a_second_order():
    ask = first(ONE_ORDER, lapse_score=0.91)
    assert (ask.kind, ask.title) == ("second_purchase", "Ask how the rose cotton thread turned out")
    assert ask.why == "70 days since the only order, lapse risk 91%, and no second one yet"
    assert first(ONE_ORDER, favourite="").title == "Ask how the first order turned out"


def test_a_one_time_buyer_within_the_usual_time_is_left_in_peace():
    wait = first(ONE_ORDER, recency_days=20, overdue_ratio=20 / 48)
    assert wait.title == "Nothing to do yet"
    assert wait.why == "20 days since the only order, and a second usually comes after about 48 days"


def test_nobody_is_asked_how_it_turned_out_half_a_year_later():
    assert first(ONE_ORDER, recency_days=200, overdue_ratio=200 / 48).title == "Show what is new"


def test_who_comes_less_often_but_is_not_late_is_asked_for_feedback():
    ask = first(LATE_REGULAR, lapse_level="high", recency_days=20, overdue_ratio=20 / 24)
    assert ask.title == "Ask for feedback"
    assert ask.why == "Orders come less often than before: 20 days since the last order, usually 24"
    assert first(HEALTHY, trend=-1).title == "Ask for feedback"


def test_who_is_at_risk_without_being_late_gets_a_reason_that_says_so():
    changes = {"lapse_level": "high", "lapse_score": 0.62, "recency_days": 20, "overdue_ratio": 20 / 24, "trend": 0}
    show = first(LATE_REGULAR, **changes)
    assert show.title == "Show what goes with rose cotton thread"
    assert show.why == "Lapse risk 62%, though the wait is not long yet: 20 days since the last order, usually 24"
    growing = first(LATE_REGULAR, **changes, leading_factor="Gaps between orders growing: 21, 26, 33 days")
    assert growing.why.endswith("not long yet: gaps between orders growing: 21, 26, 33 days")


def test_a_vip_at_critical_risk_hears_from_a_person():
    call = first(LATE_REGULAR, tier="vip")
    assert call.title == "Have a person call or write"
    assert call.why == "VIP, lapse risk 84%, 61 days since the last order, usually 24"
    assert first(LATE_REGULAR, tier="vip", lapse_level="high").kind == "note"


def test_somebody_long_gone_with_little_value_is_left_alone():
    leave = first(LONG_GONE)
    assert leave.title == "Leave alone"
    assert leave.why == (
        "400 days since the last order and about $4.20 expected in the next 180 days, "
        "so a win-back campaign is cheaper than a person"
    )
    assert "campaign" not in first(LONG_GONE, has_email_consent=False).why
    assert first(LONG_GONE, tier="high").kind != "leave"
    assert first(LONG_GONE, expected_value_180d=Decimal("900")).kind != "leave"


def test_a_healthy_customer_needs_nothing_and_it_says_when_to_look_again():
    nothing = first(HEALTHY)
    assert nothing.title == "Nothing to do now"
    assert nothing.why == "Lapse risk is low, and the next order is expected in 10 to 24 days; look again after that"
    assert first(HEALTHY, next_order_days=None).why == "Lapse risk is low; look again in 24 days"
    assert "is expected within 1 day;" in first(HEALTHY, next_order_days=(0, 1)).why
    assert "is expected in 5 days;" in first(HEALTHY, next_order_days=(5, 5)).why


def test_who_sends_much_back_is_helped_with_choosing():
    actions = advice(LATE_REGULAR, returns_share=0.4).actions
    assert [action.kind for action in actions] == ["note", "choosing"]
    assert actions[1].why == "40% of what was paid has been refunded"


def test_a_code_is_the_last_resort_for_who_buys_with_codes():
    found = advice(LATE_REGULAR, codes_used=18)
    assert [action.kind for action in found.actions] == ["note", "discount"]
    code = found.actions[-1]
    assert code.title == "Offer a code for 10% off"
    assert code.why == "Codes were used on 18 of 24 orders"
    assert code.cost == "10% off an average order costs about $14.25"
    assert found.discount_note == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "codes were used on 2 of 24 orders"),
        ({"codes_used": 0}, "codes were used on none of 24 orders"),
        ({"codes_used": 9}, "codes were used on 9 of 24 orders"),  # 37.5 %, below 40
        ({"order_count": 2, "codes_used": 2}, "2 orders cannot tell whether codes matter"),
        ({"codes_used": 20, "lapse_level": "medium"}, "lapse risk is medium"),
        ({"codes_used": 20, "has_email_consent": False}, "there is no consent to marketing e-mail"),
        ({"codes_used": 20, "lapse_level": None}, "there is no lapse risk score yet"),
    ],
)
def test_without_a_code_there_is_a_reason(changes, reason):
    assert advice(LATE_REGULAR, **changes).discount_note == f"No discount suggested: {reason}."


def test_no_code_is_spent_on_somebody_long_gone():
    found = advice(LONG_GONE, codes_used=20, open_ticket=TICKET)
    assert [action.kind for action in found.actions] == ["reply", "leave"]
    assert found.discount_note == "No discount suggested: too little is expected to come back."


def test_without_consent_no_marketing_email_is_suggested_and_it_says_why():
    for facts in (LATE_REGULAR, ONE_ORDER, replace(HEALTHY, trend=-1), LONG_GONE, replace(LATE_REGULAR, tier="low")):
        found = advice(facts, has_email_consent=False)
        assert found.mail_note == "No marketing e-mail suggested: there is no consent to it."
        assert all(action.cost != "One e-mail" for action in found.actions)
    assert first(LATE_REGULAR, has_email_consent=False).title == "Mention rose cotton thread at the next contact"
    assert first(HEALTHY, trend=-1, has_email_consent=False).title == "Ask for feedback at the next contact"
    assert advice(HEALTHY, has_email_consent=False).mail_note == ""
    assert advice(LATE_REGULAR).mail_note == ""


def test_without_a_score_only_what_is_owed_is_suggested():
    assert kinds(LATE_REGULAR, lapse_level=None, open_ticket=TICKET) == ["reply"]
    assert advice(LATE_REGULAR, lapse_level=None).actions == ()
    assert recommendation(advice(LATE_REGULAR, lapse_level=None)) == ""


def test_the_recommendation_is_the_first_action_in_one_sentence():
    assert recommendation(advice(HEALTHY)) == (
        "Nothing to do now: lapse risk is low, and the next order is expected in 10 to 24 days; look again after that."
    )
    assert recommendation(advice(LATE_REGULAR, tier="vip")) == (
        "Have a person call or write: VIP, lapse risk 84%, 61 days since the last order, usually 24."
    )


def everything():
    """Facts of all sorts of customers."""
    for level, tier, orders, recency, trend, consent, codes, ticket, unsent, returned, favourite in product(
        ("critical", "high", "medium", "low", None), ("vip", "standard", "low"), (1, 2, 24), (0, 20, 61, 400), (-1, 0),
        (True, False), (0.0, 0.5), (None, OpenTicket("5", "", is_unhappy=True)), (True, False), (0.0, 0.5), ("", "thread"),
    ):  # fmt: skip
        yield replace(
            LATE_REGULAR, lapse_level=level, tier=tier, order_count=orders, recency_days=recency, overdue_ratio=recency / 24,
            trend=trend, has_email_consent=consent, codes_used=int(codes * orders), open_ticket=ticket,
            last_order_is_unsent=unsent, returns_share=returned, favourite=favourite,
        )  # fmt: skip


def test_whatever_the_customer_there_are_up_to_three_actions_and_no_code_first_or_without_risk():
    for facts in everything():
        found = advise(facts, dollars)
        places = [action.kind for action in found.actions]
        assert (facts.lapse_level is not None) <= len(places) <= 3
        assert len(set(places)) == len(places)
        if "discount" in places:
            assert facts.is_at_risk
            assert len(places) > 1
            assert places[-1] == "discount"
        assert ("discount" in places) == (found.discount_note == "")
        if facts.open_ticket:
            assert places[0] == "reply"
        text = " ".join([found.discount_note, found.mail_note, *(f"{a.title} {a.why} {a.cost}" for a in found.actions)])
        assert not re.search(r"\b(he|she|his|her|him|hers|they|their)\b", text, re.IGNORECASE)
        assert all("  " not in f"{action.title} {action.why}" for action in found.actions)
        assert all(action.why and not action.why.endswith(".") for action in found.actions)
