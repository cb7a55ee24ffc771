"""A large shop's first import on PostgreSQL: straight into the tables, with the same rows as by buckets."""

from threading import Thread

import pytest
from django.db import connection

from accounts.models import Shop
from customers.importing import first_import, loading, running, set_aside, table_files, waiting_files
from customers.importing.rejects import path_of
from customers.models import Customer, DataImport, LineItem, Order
from tests.customers.importing.storage import everything_stored, what_is_known, write_tables
from tests.emptying import empty_the_database
from tests.factories import NOW, make_customer, make_order

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has COPY"),
]


@pytest.fixture
def straight(monkeypatch):
    """Small files go the way of large ones, in many blocks; collects how the orders went in."""
    monkeypatch.setattr(waiting_files, "LARGE", 0)
    monkeypatch.setattr(set_aside, "WORTH_IT", 1)
    monkeypatch.setattr(first_import, "ORDERS_AT_ONCE", 1)
    monkeypatch.setattr(first_import, "LINES_AT_ONCE", 1)
    monkeypatch.setattr(table_files, "BLOCK", 2_000)
    went = []
    store = first_import.store

    def noted(*args):
        went.append("straight")
        store(*args)

    monkeypatch.setattr(first_import, "store", noted)
    return went


def elsewhere(work):
    """Do it on a connection of its own and commit it."""

    def do_it():
        work()
        connection.close()

    somebody = Thread(target=do_it)
    somebody.start()
    somebody.join()


def bring(folder):
    data_import = running.prepare(folder, "tables", {})
    return running.run(data_import, as_of=NOW), data_import


def test_it_stores_what_the_way_by_buckets_stores(tmp_path, straight, monkeypatch):
    folder = write_tables(tmp_path / "t", orders=120)
    with (folder / "orders.csv").open("a") as file:  # what does not count, what is unknown, somebody whom no file tells of
        file.write("x1,,c1,2025-03-01,EUR,5,paid\nx2,,c1,2025-03-01,USD,0,paid\nx3,,stranger,2025-03-01,,7,Pending\n")
        file.write("x4,,,2025-03-01T10:00:00.125Z,USD,7,\nx5,,zoe@example.com,2025-03-01,USD,7,\n")
        file.write("x6,,+44 20 7946 0000,2025-03-01,USD,7,\nx7,,Zoe@example.com,2025-03-01,USD,7,\n")
    with (folder / "line_items.csv").open("a") as file:  # far from the other lines of its order
        file.write("o7,,Late line,1,2\nnowhere,,Orphan,1,2\n")
    summary, data_import = bring(folder)
    assert straight == ["straight"]
    known, stored = what_is_known(), everything_stored()
    assert "There is no order nowhere" in path_of(data_import.token).read_text()
    assert (summary.facts["orders"].new, summary.facts["lines"].new, summary.facts["customers"].new) == (127, 301, 43)
    assert Customer.objects.get(email_key="zoe@example.com").order_count == 2
    again, _ = bring(folder)
    assert everything_stored() == stored
    assert again.facts["orders"].unchanged == 127
    guest_key = Shop.current().guest_key
    empty_the_database()
    Shop.current()
    Shop.objects.update(guest_key=guest_key)
    monkeypatch.setattr(waiting_files, "LARGE", 10**12)
    by_buckets, _ = bring(folder)
    assert straight == ["straight"]
    assert what_is_known() == known
    assert by_buckets.facts == summary.facts
    assert by_buckets.orders_left_out == summary.orders_left_out == {"currency": 1, "zero": 1, "unpaid": 1}


def test_orders_that_come_twice_go_by_buckets(tmp_path, straight):
    folder = write_tables(tmp_path / "t", customers=4, orders=20)
    with (folder / "orders.csv").open("a") as file:
        file.write("o3,#3,c1,2025-03-01,USD,77.00,paid\n")
    summary, _ = bring(folder)
    assert straight == []
    assert str(Order.objects.get(order_id="o3").total) == "77.00"
    assert (summary.facts["orders"].new, Order.objects.count(), LineItem.objects.count()) == (20, 20, 50)


def test_a_shop_that_has_orders_goes_by_buckets(tmp_path, straight):
    make_order(make_customer("Ann Lee"))
    bring(write_tables(tmp_path / "t", customers=4, orders=20))
    assert straight == []
    assert Order.objects.count() == 21


def test_orders_that_somebody_else_stores_meanwhile_are_found(tmp_path, straight, monkeypatch):
    folder = write_tables(tmp_path / "t", customers=4, orders=20)
    begin = first_import._begin

    def and_a_rival(storing, *args):
        begin(storing, *args)
        make_order(Customer.objects.get(customer_id="c1"), order_id="o9", refresh_metrics=False)

    monkeypatch.setattr(first_import, "_begin", and_a_rival)
    _, data_import = bring(folder)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.DONE
    assert (Order.objects.count(), LineItem.objects.count()) == (20, 50)
    assert str(Order.objects.get(order_id="o9").total) == "29.50"


def test_people_that_somebody_else_stores_meanwhile_are_found(tmp_path, straight, monkeypatch):
    folder = write_tables(tmp_path / "t", customers=4, orders=20)
    with (folder / "orders.csv").open("a") as file:
        file.write("x1,,stranger,2025-03-01,USD,7,paid\n")
    customers, asked = first_import._Customers.keys_of, []

    def and_a_rival(known, refs):
        keys = customers(known, refs)
        if not asked:
            elsewhere(lambda: asked.append(make_customer("Strange R", customer_id="stranger")))
        return keys

    monkeypatch.setattr(first_import._Customers, "keys_of", and_a_rival)
    _, data_import = bring(folder)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.DONE
    assert Order.objects.get(order_id="x1").customer == asked[0]


def test_a_shop_that_got_orders_while_the_file_was_read_goes_by_buckets(tmp_path, straight, monkeypatch):
    judge = loading._Loading._judge

    def and_a_rival(self):
        judge(self)
        make_order(make_customer("Ann Lee", customer_id="c1"), order_id="o9", refresh_metrics=False)

    monkeypatch.setattr(loading._Loading, "_judge", and_a_rival)
    bring(write_tables(tmp_path / "t", customers=4, orders=20))
    assert straight == []
    assert (Order.objects.count(), LineItem.objects.count()) == (20, 50)


def test_lines_of_orders_that_were_stored_before_somebody_came_between_are_stored_too(tmp_path, straight, monkeypatch):
    folder = write_tables(tmp_path / "t", orders=120)
    copy_orders = first_import._Orders.copy

    def and_a_rival(block):
        copy_orders(block)
        if "o0" in block._columns["order_id"].to_pylist():  # the first: no line is stored yet
            elsewhere(lambda: make_order(Customer.objects.get(customer_id="c1"), order_id="o119", refresh_metrics=False))

    monkeypatch.setattr(first_import._Orders, "copy", and_a_rival)
    summary, _ = bring(folder)
    assert straight == ["straight"]
    assert (Order.objects.count(), LineItem.objects.count()) == (120, 300)
    assert summary.facts["orders"].new + summary.facts["orders"].changed == 120
    again, _ = bring(folder)
    assert again.facts["orders"].unchanged == 120


def test_nothing_is_left_behind(tmp_path, straight):
    _, data_import = bring(write_tables(tmp_path / "t", customers=4, orders=20))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE %s", [f"stage_{data_import.token}%"])
        assert cursor.fetchone() == (0,)
    assert list(path_of(data_import.token).parent.iterdir()) == []
