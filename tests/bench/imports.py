"""What an import of the six tables costs beside PostgreSQL's own COPY of the same files."""

from pathlib import Path

import psycopg

from tests.bench.measuring import Timing, database, in_turn, manage, timed, timed_process

HERE = "tests.bench.imports"

# The files of `import_tables`, written out of the shop that the benchmark has.
FILES = {
    "customers": "SELECT customer_id, email, phone, first_name, last_name, created_at, email_consent, sms_consent,"
    " time_zone AS timezone, country, '' AS tags FROM customers_customer",
    "orders": "SELECT o.order_id, o.number AS order_number, c.customer_id, o.placed_at AS created_at, o.currency,"
    " o.total / 10000.0 AS total_price, o.discounts / 10000.0 AS total_discounts, o.financial_status, o.fulfillment_status,"
    " o.cancelled_at, o.is_test AS test, '' AS tracking_numbers"
    " FROM customers_order o JOIN customers_customer c ON c.id = o.customer_id ORDER BY o.id",
    "line_items": "SELECT o.order_id, p.product_id, p.sku, p.title, p.vendor, p.category, l.quantity,"
    " l.unit_price / 10000.0 AS price, l.discount / 10000.0 AS discount FROM customers_lineitem l"
    " JOIN customers_order o ON o.id = l.order_id JOIN customers_product p ON p.id = l.product_id ORDER BY l.id",
}

BARE_TABLES = """
DROP TABLE IF EXISTS bare_customers, bare_orders, bare_line_items;
CREATE TABLE bare_customers (customer_id text, email text, phone text, first_name text, last_name text,
  created_at timestamptz, email_consent text, sms_consent text, timezone text, country text, tags text);
CREATE TABLE bare_orders (order_id text, order_number text, customer_id text, created_at timestamptz, currency text,
  total_price numeric, total_discounts numeric, financial_status text, fulfillment_status text, cancelled_at timestamptz,
  test boolean, tracking_numbers text);
CREATE TABLE bare_line_items (order_id text, product_id text, sku text, title text, vendor text, category text,
  quantity int, price numeric, discount numeric);
"""
INDEXES = """
CREATE UNIQUE INDEX ON bare_customers (customer_id);
CREATE INDEX ON bare_customers (email);
CREATE UNIQUE INDEX ON bare_orders (order_id);
CREATE INDEX ON bare_orders (customer_id, created_at);
CREATE INDEX ON bare_orders (created_at);
CREATE INDEX ON bare_orders (order_number);
CREATE INDEX ON bare_line_items (order_id);
"""


def write_files(url: str, folder: Path) -> None:
    """The files, once."""
    folder.mkdir(parents=True, exist_ok=True)
    with psycopg.connect(url) as shop:
        for name, query in FILES.items():
            path = folder / f"{name}.csv"
            if path.exists():
                continue
            with path.open("wb") as file, shop.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT CSV, HEADER)") as copy:
                for block in copy:
                    file.write(block)


def copy_and_index(url: str, folder: Path) -> None:
    """COPY the files into bare tables, then build the indexes that their columns have with us."""
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(BARE_TABLES)
        for name in FILES:
            statement = f"COPY bare_{name} FROM STDIN (FORMAT CSV, HEADER)"
            with (folder / f"{name}.csv").open("rb") as file, server.cursor().copy(statement) as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
        server.execute(INDEXES)


def import_folder(folder: str) -> None:
    """`import_tables`, without its printing."""
    from django.utils import timezone

    from customers.importing import running
    from customers.models import DataImport

    data_import = running.prepare(Path(folder), DataImport.Kind.TABLES, {})
    running.run(data_import, as_of=timezone.now())


def measure(shop_url: str, folder: Path, rounds: int) -> dict[str, Timing]:
    """COPY, a first import into an empty database, and the same files again, in turn."""
    write_files(shop_url, folder)
    url = database("quimbi_bench_import")

    def imported() -> Timing:
        return timed_process(f"{HERE}:import_folder", str(folder), url=url)

    def imported_first() -> Timing:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        manage("migrate", "-v0", url=url)
        return imported()

    works = {
        "copy_and_index": lambda: timed(lambda: copy_and_index(url, folder)),
        "first_import": imported_first,
        "same_files_again": imported,
    }
    return in_turn(works, rounds)
