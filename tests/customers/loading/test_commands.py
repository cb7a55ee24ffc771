from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from customers.models import Customer, DataImport, Order
from jobs.models import Job
from support.models import Ticket
from tests.customers.loading import everything
from tests.factories import make_shop

pytestmark = pytest.mark.django_db

ORDERS = "Ref,Who,When,Sum\n1,C1,2026-03-02T12:00:00Z,12.50\n2,C2,2026-03-03T12:00:00Z,7.50\n"
MAPPED = ("order_id=Ref", "customer_id=Who", "placed_at=When", "amount=Sum")
TICKETS = """ticket_id,customer_id,created_at,subject,tags,messages
T1,C1,2026-04-01T12:00:00Z,Where is my parcel?,,4
T2,C1,2026-04-02T12:00:00Z,Hello,refund,1
"""


@pytest.fixture(autouse=True)
def shop():
    return make_shop()


def run(command: str, *arguments: object) -> str:
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def refusal(command: str, *arguments: object) -> str:
    with pytest.raises(CommandError) as refused:
        run(command, *arguments)
    assert not any(everything().values())
    return str(refused.value)


def test_orders_with_columns_of_ones_own_names(tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text(ORDERS)
    told = run("import_orders", file, "--source", "generic", "--currency", "usd", "--map", *MAPPED)
    assert "2 rows read and stored." in told
    assert "2 new orders." in told
    assert "Done in" in told
    assert dict(Customer.objects.values_list("customer_id", "lifetime_value")) == {"C1": 12.5, "C2": 7.5}
    assert DataImport.objects.get().state == DataImport.State.DONE
    assert Job.objects.get().state == Job.State.DONE
    before = everything()
    assert "2 unchanged orders." in run("import_orders", file, "--currency", "USD", "--map", *MAPPED)
    assert everything() == before


def test_rejected_rows_are_pointed_at(tmp_path):
    file = tmp_path / "sales.csv"
    rows = "".join(f"{n},C1,2026-03-02T12:00:00Z,{'x' if n == 7 else '5.00'}\n" for n in range(1, 51))
    file.write_text("Ref,Who,When,Sum\n" + rows)
    told = run("import_orders", file, "--currency", "USD", "--map", *MAPPED)
    assert "50 rows read, 49 stored, 1 rejected." in told
    assert "Rejected rows, with line, column and reason: " in told
    assert Order.objects.count() == 49


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    assert "There is no file" in refusal("import_orders", tmp_path / "none.csv")


def test_a_folder_is_pointed_to_the_six_tables(tmp_path):
    assert "is a folder; name one file, or use import_tables" in refusal("import_orders", tmp_path)


def test_a_file_that_is_none_of_orders_is_one_sentence(tmp_path):
    file = tmp_path / "poem.csv"
    file.write_text("roses,violets\nred,blue\n")
    sentence = refusal("import_orders", file)
    assert sentence
    assert "\n" not in sentence
    assert DataImport.objects.get().state == DataImport.State.REFUSED
    assert DataImport.objects.get().summary["problem"] == sentence


def test_too_many_broken_rows_are_one_sentence(tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text(ORDERS.replace("7.50", "seven"))
    sentence = refusal("import_orders", file, "--currency", "USD", "--map", *MAPPED)
    assert sentence.startswith("1 of 2 rows are broken, more than 5%")


def test_a_mapping_without_an_equals_sign_is_explained(tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text(ORDERS)
    assert refusal("import_orders", file, "--map", "total_price") == (
        "--map total_price is not understood; write it as field=column."
    )


def test_a_column_that_the_file_does_not_have_is_named(tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text(ORDERS)
    assert "Betrag" in refusal("import_orders", file, "--map", *MAPPED[:3], "amount=Betrag")


def test_customers(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("customer_id,email,first_name,last_name\nC1,vera@example.com,Vera,Holm\nC2,odd@example.com,Odd,Lie\n")
    assert "2 new customers." in run("import_customers", file)
    assert Customer.objects.get(customer_id="C1").name == "Vera Holm"


def test_tickets_keep_their_count_of_messages_and_get_a_topic(tmp_path):
    file = tmp_path / "tickets.csv"
    file.write_text(TICKETS)
    assert "2 new tickets." in run("import_tickets", file)
    found = Ticket.objects.order_by("ticket_id").values_list("ticket_id", "message_count", "topic", "customer__customer_id")
    assert list(found) == [("T1", 4, "delivery", "C1"), ("T2", 1, "return", "C1")]


def test_six_tables(tmp_path):
    (tmp_path / "orders.csv").write_text("order_id,customer_id,created_at,total_price\n1,C1,2026-03-02T12:00:00Z,10\n")
    assert "1 row read and stored." in run("import_tables", tmp_path)


def test_a_folder_without_tables_is_one_sentence(tmp_path):
    assert "holds none of the six tables" in refusal("import_tables", tmp_path)


def test_a_second_import_waits_for_the_first(tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text(ORDERS)
    Job.objects.create(kind="import", title="Import other.csv", only_one_of="import", state=Job.State.RUNNING)
    sentence = refusal("import_orders", file, "--currency", "USD", "--map", *MAPPED)
    assert sentence.startswith("Another import is running")
