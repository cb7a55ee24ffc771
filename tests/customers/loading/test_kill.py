import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection

from customers.importing import running
from customers.models import Customer, DataImport, LineItem, MetricsDue, Order, Refund
from tests.factories import NOW, make_shop

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

ORDERS = 4_000
# The process slows itself down after each bucket, so that the kill falls between two of them on any machine.
CODE = """
import sys, time
from datetime import datetime
from customers.importing import loading, running
from customers.models import DataImport
loading.buckets_for = lambda size: 8
def dawdle(share, note):
    if share > loading.READ:
        time.sleep(0.2)
running.run(DataImport.objects.get(token=sys.argv[-1]), as_of=datetime.fromisoformat({as_of!r}), progress=dawdle)
"""


def write_tables(folder):
    orders = ["order_id,customer_id,created_at,total_price,financial_status"]
    lines, refunds = ["order_id,title,quantity,price"], ["refund_id,order_id,amount"]
    for n in range(ORDERS):
        status = "voided" if n % 50 == 0 else "paid"
        orders.append(f"{n},C{n % 700},2026-0{1 + n % 9}-1{n % 10}T12:00:00Z,{n % 90 + 1}.50,{status}")
        lines += [f"{n},Thread {n % 30},{1 + n % 3},2.50"] * (1 + n % 2)
        if n % 20 == 0:
            refunds.append(f"R{n},{n},1.25")
    for name, rows in {"orders": orders, "line_items": lines, "refunds": refunds}.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")


def rows():
    """All rows by their own ids; keys depend on the order of storing."""
    return (
        list(
            Customer.objects.order_by("customer_id").values_list(
                "customer_id", "order_count", "lifetime_value", "last_order_at"
            )
        ),
        list(
            Order.objects.order_by("order_id").values_list(
                "order_id", "customer__customer_id", "placed_at", "total", "refunded", "left_out", "lines_checksum", "stored_at"
            )
        ),
        list(
            LineItem.objects.order_by("order__order_id", "position").values_list(
                "order__order_id", "position", "product__title", "quantity", "unit_price"
            )
        ),
        list(Refund.objects.order_by("refund_id").values_list("refund_id", "order__order_id", "amount", "created_at")),
    )


def counts(data_import):
    data_import.refresh_from_db()
    # A JSON column does not keep the order of keys, so an import that goes on tells its sentences in another order.
    told = {key: value for key, value in data_import.summary.items() if key != "seconds"}
    return {**told, "sentences": sorted(told["sentences"])}


def kill_while_storing(data_import, environment):
    """Start the import in another process and kill it once some orders are stored and some are not."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import django; django.setup()\n{CODE.format(as_of=NOW.isoformat())}", data_import.token],
        cwd=settings.BASE_DIR,
        env=environment,
        stderr=subprocess.PIPE,
    )
    try:
        while process.poll() is None:
            data_import.refresh_from_db()
            if data_import.state == DataImport.State.STORING and data_import.checkpoint.get("done", {}).get("orders", 0) >= 2:
                break
            time.sleep(0.02)
        assert process.poll() is None, process.stderr.read().decode()
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_an_import_that_is_killed_goes_on_and_ends_with_the_rows_of_one_that_was_not(tmp_path, settings, process_environment):
    make_shop()
    folder = tmp_path / "tables"
    folder.mkdir()
    write_tables(folder)
    # The other process and the one that goes on must find the same folder.
    settings.IMPORTS_FOLDER = settings.VAR / "imports"

    data_import = running.prepare(folder, DataImport.Kind.TABLES, {})
    kill_while_storing(data_import, process_environment)
    data_import = DataImport.objects.get(pk=data_import.pk)
    assert data_import.state == DataImport.State.STORING
    assert 0 < Order.objects.count() < ORDERS
    running.run(data_import, as_of=NOW)
    killed, told = rows(), counts(data_import)
    assert data_import.state == DataImport.State.DONE
    assert len(killed[1]) == ORDERS
    assert not MetricsDue.objects.exists()

    with connection.cursor() as cursor:
        for table in ("lineitem", "refund", "metricsdue", "order", "product", "customer"):
            cursor.execute(f"DELETE FROM customers_{table}")
    clean = running.prepare(folder, DataImport.Kind.TABLES, {})
    running.run(clean, as_of=NOW)
    assert rows() == killed
    assert counts(clean) == told
