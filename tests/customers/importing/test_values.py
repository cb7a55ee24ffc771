import pytest

from customers.importing import values
from customers.importing.amounts import decimal_marks, money
from customers.importing.helpdesk_words import channel, message_count, reopened, satisfaction
from customers.importing.values import Bad


@pytest.mark.parametrize(
    ("cell", "mark", "units"),
    [
        ("12.50", ".", 125_000),
        ("-12.5", ".", -125_000),
        ("1,234.50", ".", 12_345_000),
        ("1.234,50", ",", 12_345_000),
        ("1 234,50", ",", 12_345_000),
        ("1\u00a0234,50 €", ",", 12_345_000),
        ("1'234.50", ".", 12_345_000),
        ("$1,234.50", ".", 12_345_000),
        ("USD 12.50", ".", 125_000),
        ("12.50 USD", ".", 125_000),
        ("(12.50)", ".", -125_000),
        ("12.50-", ".", -125_000),
        ("−12.50", ".", -125_000),
        ("-$5.00", ".", -50_000),
        ("'64.27", ".", 642_700),
        (".5", ".", 5_000),
        ("0.08505", ".", 850),
        ("12,5", "", 125_000),
        ("1.234.567", "", 12_345_670_000),
        ("7", "", 70_000),
        ("", ".", None),
        ("n/a", ".", None),
    ],
)
def test_money_is_read_to_the_ten_thousandth(cell, mark, units):
    assert money(mark)(cell) == units


@pytest.mark.parametrize(
    ("cell", "mark"),
    [("12,50", "."), ("12.50", ","), ("1.234,50", "."), ("1,2345.00", "."), ("1,234", ""), ("1.234", ""), ("twelve", "."),
     ("1.5E+3", "."), ("12.50.1", "."), ("1\x002", "."), ("99999999999999999", "."), ("--5", "."), ("5%", ".")],
)  # fmt: skip
def test_an_amount_that_does_not_fit_the_column_is_refused(cell, mark):
    assert isinstance(money(mark)(cell), Bad)


def test_an_amount_with_the_sign_of_another_currency_is_refused():
    assert money(".", "EUR")("€ 12.50") == 125_000
    assert isinstance(money(".", "USD")("€ 12.50"), Bad)


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (["12.50", "3"], {"."}),
        (["1.224,10", "64,27"], {","}),
        (["1,234", "2,500"], {"?"}),
        (["1,234", "12,5"], {"?", ","}),
        (["12.50", "12,50"], {".", ","}),
        (["5", ""], set()),
    ],
)
def test_a_column_says_which_sign_marks_its_decimals(cells, marks):
    assert decimal_marks(cells) == marks


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("13085.0", "13085"),
        ("'7210448301122", "7210448301122"),
        (" A-1 ", "A-1"),
        ("nan", ""),
        ("", ""),
        ("00042", "00042"),
        ("1E5", "1E5"),
    ],
)
def test_an_id_stays_text(cell, wanted):
    assert values.identifier()(cell) == wanted


@pytest.mark.parametrize("cell", ["5.55E+12", "5,55e+12", "x" * 65, "a\0b"])
def test_an_id_that_lost_something_is_refused(cell):
    assert isinstance(values.identifier()(cell), Bad)


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("  Jane\tDoe\x00 ", "Jane Doe"),
        ("'=1+1", "=1+1"),
        ("'til dawn", "'til dawn"),
        ("two\nlines", "two lines"),
        ("Ünïcode \U0001fae8", "Ünïcode \U0001fae8"),
        ("x" * 300, "x" * 255),
    ],
)
def test_text_is_clean_and_fits_its_column(cell, wanted):
    assert values.text(255)(cell) == wanted


def test_text_in_a_wrong_encoding_is_refused_not_mangled():
    assert isinstance(values.text(255)(b"M\xfcller".decode("utf-8", "surrogateescape")), Bad)


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [("Vera@Example.com ", "Vera@Example.com"), ("guest", ""), ("@x", ""), ("a b@c.d", ""), ("a@" + "x" * 300, "")],
)
def test_what_is_no_address_is_none(cell, wanted):
    assert values.email(cell) == wanted


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("yes", "subscribed"),
        ("no", "unknown"),
        ("SUBSCRIBED", "subscribed"),
        ("UNSUBSCRIBED", "unsubscribed"),
        ("", None),
        ("pending", "pending"),
    ],
)
def test_consent_is_never_more_than_the_file_says(cell, wanted):
    assert values.consent(cell) == wanted
    assert isinstance(values.consent("maybe"), Bad)


def test_the_other_kinds_of_cells():
    assert values.yes_no("Ja") is True
    assert values.yes_no("") is None
    assert isinstance(values.yes_no("perhaps"), Bad)
    assert values.currency("usd") == "USD"
    assert values.currency("€") == "EUR"
    assert isinstance(values.currency("$"), Bad)
    assert isinstance(values.currency("ZZZ"), Bad)
    assert values.tags("a, b ,a,,c") == ["a", "b", "c"]
    assert values.phone("+1 202 555 0141") == "+1 202 555 0141"
    assert values.phone("1.2E+10") == ""
    assert values.whole_number("3.0") == 3
    assert isinstance(values.whole_number("3.5"), Bad)
    assert isinstance(values.whole_number("99999999999"), Bad)


def test_a_cache_forgets_before_it_grows():
    cache = values.Cached(int, limit=3)
    assert cache.column(str(number) for number in range(100)) == list(range(100))
    assert len(cache) <= 3


def test_the_words_of_help_desks():
    assert [channel(word) for word in ("Web Form", "WhatsApp", "Facebook", "carrier pigeon", "")] == [
        "email",
        "sms",
        "social",
        "other",
        None,
    ]
    assert [satisfaction(word) for word in ("good", "Bad", "4", "offered", "")] == [5, 1, 4, None, None]
    assert isinstance(satisfaction("9"), Bad)
    assert [reopened(word) for word in ("2", "0", "yes", "")] == [True, False, True, None]
    assert message_count("7") == 7
    assert isinstance(message_count("-1"), Bad)
