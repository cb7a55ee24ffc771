"""Products, orders with their lines, and refunds: from the staged rows of one bucket into the tables.

An order and its lines go in together, and the lines of an order that changed are replaced as a whole. A row that says
nothing new is not written, so that the same file twice leaves every row and every time stamp alone.
"""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

from customers.importing.shapes import ORDERS, REFUNDS
from customers.importing.storing import Storing
from customers.importing.storing_people import resolve_people
from customers.importing.validity import left_out_sql

_PRODUCT = ("fingerprint", "identity", "product_id", "sku", "title", "vendor", "category")
_TEXTS = ("number", "currency", "financial_status", "fulfillment_status")
_NUMBERS = ("total", "discounts")
_JSON = ("tracking_numbers", "attributes")
_ORDER = ("customer_id", "number", "placed_at", "currency", *_NUMBERS, "financial_status", "fulfillment_status", "cancelled_at",
          "is_test", *_JSON)  # fmt: skip


def store_products(storing: Storing, bucket: int) -> None:
    """Store the descriptions that are not known yet."""
    columns = ", ".join(_PRODUCT)
    rows = storing.staging.bucket("products", bucket)
    new = storing.run(
        f"INSERT INTO customers_product ({columns}) SELECT {columns} FROM {rows} s"
        f" WHERE s.no IN (SELECT min(no) FROM {rows} t GROUP BY fingerprint) ORDER BY s.no ON CONFLICT (fingerprint) DO NOTHING"
    )
    [(met,)] = storing.fetch(f"SELECT count(DISTINCT fingerprint) FROM {rows} s")
    storing.summary.count("products", new=new, changed=0, rows=met)


def number_products(storing: Storing) -> None:
    """Make the table that turns the import's product numbers into ids: before the first bucket, and after a restart."""
    storing.work_table("chunk_products", "no bigint PRIMARY KEY, product bigint NOT NULL")
    storing.run(
        "INSERT INTO chunk_products (no, product) SELECT s.no, p.id"
        f" FROM {storing.staging.everything('products')} s JOIN customers_product p ON p.fingerprint = s.fingerprint"
    )


def store_orders(storing: Storing, bucket: int) -> None:
    """Store one bucket of orders with their lines."""
    d, flag = storing.dialect, storing.dialect.types["flag"]
    kinds = dict.fromkeys(_ORDER, "text") | dict.fromkeys(_NUMBERS, "bigint") | dict.fromkeys(_JSON, d.types["json"])
    kinds |= {"customer_id": "bigint", "placed_at": d.types["time"], "cancelled_at": d.types["time"], "is_test": flag}
    storing.work_table(
        "chunk_orders",
        f"id bigint, seq bigint, order_id text, ref text, is_new {flag}, is_changed {flag}, lines_changed {flag},"
        f" was_of bigint, was_left_out text, line_count bigint, lines_checksum bigint, left_out text,"
        f" {', '.join(f'{name} {kind}' for name, kind in kinds.items())}",
        "order_id",
    )
    lines = _lines(storing, bucket)
    if storing.has("orders"):
        rows = storing.latest("orders", bucket, "order_id", ORDERS.staged)
        _merge_orders(storing, rows, lines)
    if storing.lines_alone and lines:
        _take_stored_orders(storing, lines)
    _write_orders(storing)
    if lines:
        _write_lines(storing, lines)
    if not storing.first_orders:
        _move_refunds(storing)
    # New to its customer is an order too that counts only now, or that was somebody else's.
    is_new = f"left_out = '' AND (is_new OR was_left_out <> '' OR {d.differs('was_of', 'customer_id')})"
    _mark_due(storing, "customer_id", "chunk_orders WHERE (is_new OR is_changed)", is_new)
    _mark_due(storing, "was_of", "chunk_orders WHERE NOT is_new AND is_changed", "false")
    storing.count("orders", "chunk_orders", changed="is_changed OR lines_changed")
    for reason, count in storing.fetch("SELECT left_out, count(*) FROM chunk_orders WHERE left_out <> '' GROUP BY left_out"):
        storing.summary.orders_left_out[reason] = storing.summary.orders_left_out.get(reason, 0) + count


def _lines(storing: Storing, bucket: int) -> str:
    """The bucket's lines as a FROM item; where an order comes twice, the later line of a position. Empty without lines."""
    if not storing.has("lines"):
        return ""
    rows = storing.staging.bucket("lines", bucket)
    if not storing.has("orders") or storing.is_distinct("orders", bucket, "order_id"):
        return rows
    return f"(SELECT * FROM {rows} l WHERE seq IN (SELECT max(seq) FROM {rows} m GROUP BY order_id, position))"


def _merge_orders(storing: Storing, rows: str, lines: str) -> None:
    """Fill `chunk_orders` with the orders as they shall be, and in what they differ from those that are stored."""
    d = storing.dialect
    if storing.nameless:
        resolve_people(storing, rows)
        whose, customer = "LEFT JOIN chunk_people p ON p.ref = s.ref", "p.customer"
    else:
        whose, customer = "LEFT JOIN customers_customer p ON p.customer_id = s.ref", "p.id"
    merged = {
        "customer_id": f"CASE WHEN s.ref IS NULL THEN o.customer_id ELSE {customer} END",
        "placed_at": "coalesce(s.placed_at, o.placed_at)",
        "cancelled_at": "coalesce(s.cancelled_at, o.cancelled_at)",
        "is_test": "coalesce(s.is_test, o.is_test, false)",
        **{name: f"coalesce(s.{name}, o.{name}, '')" for name in _TEXTS},
        "currency": "coalesce(s.currency, o.currency, %(shop_currency)s)",
        **{name: f"coalesce(s.{name}, o.{name}, 0)" for name in _NUMBERS},
        "tracking_numbers": f"coalesce(s.tracking_numbers, {d.same_json('o.tracking_numbers')}, '[]')",
        "attributes": d.merged_json("o.attributes", "s.attributes"),
    }
    stored = {name: d.same_json(f"o.{name}") if name in _JSON else f"o.{name}" for name in _ORDER}
    sums = f"(SELECT order_id, sum(hash) AS checksum, count(*) AS line_count FROM {lines} h GROUP BY order_id)" if lines else ""
    checksum = "CAST(l.checksum AS bigint)" if lines else "CAST(NULL AS bigint)"
    changed = " OR ".join(d.differs(merged[name], stored[name]) for name in _ORDER)
    orders = "(SELECT * FROM customers_order LIMIT 0)" if storing.first_orders else "customers_order"
    storing.run(
        "INSERT INTO chunk_orders"
        " (id, seq, order_id, ref, is_new, is_changed, lines_changed, was_of, was_left_out, line_count, lines_checksum,"
        f" left_out, {', '.join(_ORDER)})"
        f" SELECT coalesce(m.id, {d.new_ids('customers_order')}), m.seq, m.order_id, m.ref,"
        " m.id IS NULL, m.id IS NULL OR m.differs,"
        f" m.checksum IS NOT NULL AND {d.differs('m.checksum', 'm.stored_checksum')}, m.was_of, m.was_left_out,"
        f" coalesce(m.line_count, 0), coalesce(m.checksum, m.stored_checksum, 0), {left_out_sql('m')},"
        f" {', '.join(f'm.{name}' for name in _ORDER)}"
        f" FROM (SELECT o.id, s.seq, s.order_id, s.ref, {changed} AS differs, o.customer_id AS was_of,"
        f" o.left_out AS was_left_out, {checksum} AS checksum, {'l.line_count' if lines else '0'} AS line_count,"
        f" o.lines_checksum AS stored_checksum, {', '.join(f'{merged[name]} AS {name}' for name in _ORDER)}"
        f" FROM {rows} s {whose} LEFT JOIN {orders} o ON o.order_id = s.order_id"
        f" {f'LEFT JOIN {sums} l ON l.order_id = s.order_id' if lines else ''}) m"
    )
    if not storing.nameless:
        _meet_strangers(storing, rows)


def _meet_strangers(storing: Storing, rows: str) -> None:
    """Make profiles for customer ids that nobody has, in the chunk at hand."""
    strangers = "FROM chunk_orders WHERE customer_id IS NULL AND ref IS NOT NULL"
    [(any_,)] = storing.fetch(f"SELECT EXISTS (SELECT 1 {strangers})")
    if any_:
        resolve_people(storing, f"(SELECT * FROM {rows} r WHERE r.seq IN (SELECT seq {strangers}))")
        storing.run(
            "UPDATE chunk_orders SET customer_id = p.customer FROM chunk_people p"
            " WHERE p.ref = chunk_orders.ref AND chunk_orders.customer_id IS NULL"
        )


def _take_stored_orders(storing: Storing, lines: str) -> None:
    """Orders that are stored and of which the file has lines only: they stay as they are but for their lines."""
    d = storing.dialect
    storing.run(
        "INSERT INTO chunk_orders"
        " (id, seq, order_id, is_new, is_changed, lines_changed, was_of, line_count, lines_checksum, left_out,"
        f" {', '.join(_ORDER)}) SELECT o.id, 0, o.order_id, false, false,"
        f" {d.differs('CAST(l.checksum AS bigint)', 'o.lines_checksum')},"
        f" o.customer_id, l.line_count, CAST(l.checksum AS bigint), o.left_out, {', '.join(f'o.{name}' for name in _ORDER)}"
        f" FROM (SELECT order_id, sum(hash) AS checksum, count(*) AS line_count FROM {lines} h GROUP BY order_id) l"
        " JOIN customers_order o ON o.order_id = l.order_id WHERE o.order_id NOT IN (SELECT order_id FROM chunk_orders)"
    )


def _write_orders(storing: Storing) -> None:
    columns = (*_ORDER, "lines_checksum", "left_out")
    storing.run(
        f"INSERT INTO customers_order (id, order_id, refunded, source, stored_at, {', '.join(columns)})"
        f" SELECT id, order_id, 0, %(source)s, %(now)s, {', '.join(columns)} FROM chunk_orders WHERE is_new ORDER BY id"
    )
    storing.run(
        f"UPDATE customers_order SET stored_at = %(now)s, {', '.join(f'{name} = n.{name}' for name in columns)}"
        " FROM chunk_orders n WHERE customers_order.id = n.id AND NOT n.is_new AND (n.is_changed OR n.lines_changed)"
    )


def _move_refunds(storing: Storing) -> None:
    """An order that is somebody else's now takes its refunds along."""
    storing.run(
        "UPDATE customers_refund SET customer_id = n.customer_id FROM chunk_orders n WHERE customers_refund.order_id = n.id"
        f" AND NOT n.is_new AND n.is_changed AND {storing.dialect.differs('customers_refund.customer_id', 'n.customer_id')}"
    )


def _write_lines(storing: Storing, lines: str) -> None:
    if not storing.first_orders:
        storing.run(
            "DELETE FROM customers_lineitem WHERE order_id IN (SELECT id FROM chunk_orders WHERE lines_changed AND NOT is_new)"
        )
    storing.run(
        "INSERT INTO customers_lineitem (order_id, position, product_id, quantity, unit_price, discount)"
        " SELECT c.id, row_number() OVER (PARTITION BY c.id ORDER BY l.position, l.seq),"
        " k.product, l.quantity, l.unit_price, l.discount"
        f" FROM {lines} l JOIN chunk_orders c ON c.order_id = l.order_id JOIN chunk_products k ON k.no = l.product"
        " WHERE c.lines_changed"
    )
    [(met, new, changed)] = storing.fetch(
        "SELECT sum(line_count), sum(CASE WHEN is_new THEN line_count ELSE 0 END),"
        " sum(CASE WHEN lines_changed AND NOT is_new THEN line_count ELSE 0 END) FROM chunk_orders"
    )
    storing.summary.count("lines", new=int(new or 0), changed=int(changed or 0), rows=int(met or 0))


def store_refunds(storing: Storing, bucket: int) -> None:
    """Store one bucket of refunds and bring their orders' `refunded` up to date.

    A sum that a source states for a whole order ("<order_id>:refunded") gives way to refunds with ids of their own.
    """
    d, flag = storing.dialect, storing.dialect.types["flag"]
    rows = storing.latest("refunds", bucket, "refund_id", REFUNDS.staged)
    resolve_people(storing, f"(SELECT * FROM {rows} r WHERE order_id IS NULL)")
    storing.work_table(
        "chunk_refunds",
        f"refund_id text PRIMARY KEY, is_new {flag}, is_changed {flag}, order_id bigint, customer_id bigint,"
        f" created_at {d.types['time']}, amount bigint, was_for bigint",
    )
    merged = {
        "order_id": "coalesce(o.id, r.order_id)",
        "customer_id": "coalesce(o.customer_id, p.customer, r.customer_id)",
        "created_at": "coalesce(s.created_at, r.created_at, o.placed_at)",
        "amount": "coalesce(s.amount, r.amount)",
    }
    storing.run(
        f"INSERT INTO chunk_refunds (refund_id, is_new, is_changed, was_for, {', '.join(merged)})"
        " SELECT s.refund_id, r.id IS NULL,"
        f" r.id IS NULL OR {' OR '.join(d.differs(v, f'r.{name}') for name, v in merged.items())},"
        f" r.order_id, {', '.join(merged.values())}"
        f" FROM {rows} s LEFT JOIN customers_order o ON o.order_id = s.order_id"
        " LEFT JOIN chunk_people p ON p.ref = s.ref AND s.order_id IS NULL"
        " LEFT JOIN customers_refund r ON r.refund_id = s.refund_id"
        # Not the sum for a whole order, where its refunds are known or come in this very bucket.
        " WHERE (s.order_id IS NULL OR o.id IS NOT NULL)"
        " AND NOT (s.refund_id = s.order_id || ':refunded' AND (EXISTS (SELECT 1 FROM customers_refund t"
        " WHERE t.order_id = o.id AND t.refund_id <> s.refund_id)"
        f" OR EXISTS (SELECT 1 FROM {rows} u WHERE u.order_id = s.order_id AND u.refund_id <> s.refund_id)))"
    )
    columns = ", ".join(merged)
    storing.run(
        f"INSERT INTO customers_refund (refund_id, source, {columns})"
        f" SELECT refund_id, %(source)s, {columns} FROM chunk_refunds WHERE is_new ORDER BY refund_id"
    )
    storing.run(
        f"UPDATE customers_refund SET {', '.join(f'{name} = n.{name}' for name in merged)}"
        " FROM chunk_refunds n WHERE customers_refund.refund_id = n.refund_id AND n.is_changed AND NOT n.is_new"
    )
    storing.run(
        "DELETE FROM customers_refund WHERE refund_id IN (SELECT o.order_id || ':refunded' FROM chunk_refunds n"
        " JOIN customers_order o ON o.id = n.order_id WHERE n.refund_id <> o.order_id || ':refunded')"
    )
    touched = "SELECT order_id FROM chunk_refunds WHERE is_changed UNION SELECT was_for FROM chunk_refunds WHERE is_changed"
    refunded = "(SELECT coalesce(sum(r.amount), 0) FROM customers_refund r WHERE r.order_id = customers_order.id)"
    storing.run(f"UPDATE customers_order SET refunded = {refunded} WHERE id IN ({touched}) AND refunded <> {refunded}")
    _mark_due(storing, "customer_id", "chunk_refunds WHERE is_changed", "false")
    storing.count("refunds", "chunk_refunds")


def _mark_due(storing: Storing, customer: str, rows: str, is_new: str) -> None:
    """Have the figures of the customers in `rows` counted again (`customers.metrics`), in this same transaction.

    A row that is there already is locked even where it stays as it is: somebody may be counting that customer without these
    orders, and takes the row away when he is done.
    """
    storing.run(
        "INSERT INTO customers_metricsdue (customer_id, has_new_orders)"
        f" SELECT {customer}, max(CASE WHEN {is_new} THEN 1 ELSE 0 END) = 1"
        f" FROM {rows} AND {customer} IS NOT NULL GROUP BY {customer}"
        " ON CONFLICT (customer_id) DO UPDATE SET has_new_orders = true"
        " WHERE excluded.has_new_orders AND NOT customers_metricsdue.has_new_orders"
    )
