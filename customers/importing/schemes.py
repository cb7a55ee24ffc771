"""Which columns each source has: the fields that we read, the names they go by, what a file must have, how to know it.

Names are compared in lower case with letters and digits only, so "Lineitem compare-at price" is `lineitemcompareatprice`; what
the columns of a plain table are called stands in `header_words`.
"""

from dataclasses import dataclass

from customers.importing import header_words
from customers.importing.options import Field
from customers.importing.values import normalised

# A need: what it is called, and the sets of fields of which one must be there.
Need = tuple[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True)
class Scheme:
    """One kind of table. `marks` are sets of normalised column names; a file that has one of the sets is of this kind.

    `currency`, `time_zone` and `decimal_mark` are facts of the source where it has only one; they win over options.
    """

    source: str
    kind: str
    label: str
    fields: tuple[Field, ...]
    needs: tuple[Need, ...]
    marks: tuple[frozenset[str], ...] = ()
    currency: str = ""
    time_zone: str = ""
    decimal_mark: str = ""

    def guess(self, header: tuple[str, ...]) -> dict[str, str]:
        """field -> column, by alias; each column is used once, the first alias that is there wins."""
        by_name: dict[str, str] = {}
        for column in header:
            by_name.setdefault(normalised(column), column)
        found: dict[str, str] = {}
        for field in self.fields:
            for alias in field.aliases:
                if alias in by_name and by_name[alias] not in found.values():
                    found[field.name] = by_name[alias]
                    break
        return found

    def missing(self, mapping: dict[str, str]) -> tuple[Need, ...]:
        """The needs that `mapping` does not fill."""
        return tuple(need for need in self.needs if not any(all(name in mapping for name in names) for names in need[1]))


def _field(name: str, label: str, holds: str, aliases: str = "") -> Field:
    return Field(name, label, holds, tuple(aliases.split()) or (normalised(name),))


_CUSTOMER: Need = ("the customer (an id, an e-mail address or a phone number)", (("customer_id",), ("email",), ("phone",)))
_DATE: Need = ("the date of the order", (("placed_at",),))

GENERIC_ORDERS = Scheme(
    "generic",
    "orders",
    "Orders",
    tuple(
        _field(name, label, holds, header_words.ORDERS[name])
        for name, label, holds in (
            ("order_id", "Order id", "id"),
            ("customer_id", "Customer id", "customer"),
            ("email", "E-mail", "email"),
            ("phone", "Phone", "phone"),
            ("placed_at", "Date", "date"),
            ("amount", "Amount", "money"),
            ("quantity", "Quantity", "quantity"),
            ("unit_price", "Unit price", "money"),
            ("sku", "SKU", "name"),
            ("product", "Product", "title"),
            ("category", "Category", "name"),
            ("vendor", "Vendor", "name"),
            ("discount", "Discount", "money"),
            ("refund", "Refund", "money"),
            ("currency", "Currency", "currency"),
            ("status", "Status", "status"),
            ("channel", "Channel", "name"),
        )
    ),
    (_CUSTOMER, _DATE, ("the amount (or a quantity and a unit price)", (("amount",), ("quantity", "unit_price")))),
)
GENERIC_CUSTOMERS = Scheme(
    "generic",
    "customers",
    "Customers",
    tuple(
        _field(name, label, holds, header_words.CUSTOMERS[name])
        for name, label, holds in (
            ("customer_id", "Customer id", "customer"),
            ("email", "E-mail", "email"),
            ("phone", "Phone", "phone"),
            ("first_name", "First name", "name"),
            ("last_name", "Last name", "name"),
            ("created_at", "Customer since", "date"),
            ("email_consent", "Consent to e-mail", "consent"),
            ("sms_consent", "Consent to text messages", "consent"),
            ("time_zone", "Time zone", "name"),
            ("country", "Country", "country"),
            ("tags", "Tags", "tags"),
        )
    ),
    (_CUSTOMER,),
)

SHOPIFY_ORDERS = Scheme(
    "shopify",
    "orders",
    "Shopify orders",
    (
        _field("name", "Name", "id", "name"),
        _field("email", "Email", "email"),
        _field("phone", "Phone", "phone"),
        _field("billing_phone", "Billing phone", "phone", "billingphone"),
        _field("financial_status", "Financial status", "status", "financialstatus"),
        _field("fulfillment_status", "Fulfillment status", "status", "fulfillmentstatus"),
        _field("paid_at", "Paid at", "date", "paidat"),
        _field("currency", "Currency", "currency"),
        _field("subtotal", "Subtotal", "money"),
        _field("shipping", "Shipping", "money"),
        _field("taxes", "Taxes", "money"),
        _field("total", "Total", "money"),
        _field("discount_code", "Discount code", "name", "discountcode"),
        _field("discount_amount", "Discount amount", "money", "discountamount"),
        _field("created_at", "Created at", "date", "createdat"),
        _field("quantity", "Lineitem quantity", "quantity", "lineitemquantity"),
        _field("line_name", "Lineitem name", "title", "lineitemname"),
        _field("unit_price", "Lineitem price", "money", "lineitemprice"),
        _field("sku", "Lineitem sku", "name", "lineitemsku"),
        _field("line_discount", "Lineitem discount", "money", "lineitemdiscount"),
        _field("vendor", "Vendor", "name"),
        _field("cancelled_at", "Cancelled at", "date", "cancelledat canceledat"),
        _field("payment_method", "Payment method", "name", "paymentmethod"),
        _field("refunded_amount", "Refunded amount", "money", "refundedamount"),
        _field("id", "Id", "id", "id"),
        _field("channel", "Source", "name", "source"),
    ),
    (
        ("Name", (("name",),)),
        ("Created at", (("created_at",),)),
        ("Total (or Lineitem quantity and Lineitem price)", (("total",), ("quantity", "unit_price"))),
    ),
    (
        frozenset({"name", "lineitemname"}),
        frozenset({"name", "lineitemquantity"}),
        frozenset({"name", "financialstatus", "createdat"}),
    ),
    decimal_mark=".",
)
SHOPIFY_CUSTOMERS = Scheme(
    "shopify",
    "customers",
    "Shopify customers",
    (
        _field("customer_id", "Customer ID", "customer", "customerid"),
        _field("email", "Email", "email"),
        _field("phone", "Phone", "phone", "phone defaultaddressphone"),
        _field("first_name", "First name", "name"),
        _field("last_name", "Last name", "name"),
        _field("email_consent", "Accepts Email Marketing", "consent", "acceptsemailmarketing acceptsmarketing"),
        _field("sms_consent", "Accepts SMS Marketing", "consent", "acceptssmsmarketing"),
        _field("country", "Country Code", "country", "defaultaddresscountrycode countrycode country"),
        _field("tags", "Tags", "tags"),
    ),
    (("Customer ID (or Email or Phone)", (("customer_id",), ("email",), ("phone",))),),
    (
        frozenset({"acceptsemailmarketing", "totalorders"}),
        frozenset({"acceptsemailmarketing", "totalspent"}),
        frozenset({"acceptsmarketing", "totalspent", "firstname"}),
    ),
)

WOOCOMMERCE = Scheme(
    "woocommerce",
    "orders",
    "WooCommerce orders",
    (
        _field("order_id", "Order number", "id", "ordernumber orderid"),
        _field("status", "Order status", "status", "orderstatus status"),
        _field("placed_at", "Order date", "date", "orderdate datecreated"),
        _field("customer_id", "Customer user id", "customer", "customeruserid customerid userid"),
        _field("first_name", "First name", "name", "firstnamebilling billingfirstname"),
        _field("last_name", "Last name", "name", "lastnamebilling billinglastname"),
        _field("email", "Email", "email", "emailbilling billingemail customeremail email"),
        _field("phone", "Phone", "phone", "phonebilling billingphone phone"),
        _field("country", "Country", "country", "countrycodebilling billingcountry"),
        _field("discount", "Cart discount", "money", "cartdiscountamount discounttotal cartdiscount"),
        _field("refund", "Order refund", "money", "orderrefundamount refundtotal refundedtotal"),
        _field("total", "Order total", "money", "ordertotalamount ordertotal total"),
        _field("currency", "Order currency", "currency", "ordercurrency currency"),
        _field("sku", "SKU", "name", "sku productsku itemsku"),
        _field("product", "Item name", "title", "itemname productname"),
        _field("quantity", "Quantity", "quantity", "quantityrefund quantity itemquantity"),
        _field("unit_price", "Item cost", "money", "itemcost itemprice productprice"),
        _field("coupon", "Coupon code", "name", "couponcode coupons"),
        _field("payment_method", "Payment method", "name", "paymentmethodtitle paymentmethod"),
    ),
    (
        ("Order Number", (("order_id",),)),
        ("Order Date", (("placed_at",),)),
        ("Order Status", (("status",),)),
        ("Order Total Amount", (("total",),)),
    ),
    (
        frozenset({"ordernumber", "orderstatus", "ordertotalamount"}),
        frozenset({"ordernumber", "orderstatus", "quantityrefund"}),
    ),
)

ONLINE_RETAIL = Scheme(
    "online-retail",
    "orders",
    "Online Retail II",
    (
        _field("invoice", "Invoice", "id", "invoice invoiceno"),
        _field("stock_code", "StockCode", "name", "stockcode"),
        _field("description", "Description", "title", "description"),
        _field("quantity", "Quantity", "quantity", "quantity"),
        _field("placed_at", "InvoiceDate", "date", "invoicedate"),
        _field("unit_price", "Price", "money", "price unitprice"),
        _field("customer_id", "Customer ID", "customer", "customerid"),
        _field("country", "Country", "country", "country"),
    ),
    (
        ("Invoice", (("invoice",),)),
        ("StockCode", (("stock_code",),)),
        ("Quantity", (("quantity",),)),
        ("InvoiceDate", (("placed_at",),)),
        ("Price", (("unit_price",),)),
        ("Customer ID", (("customer_id",),)),
    ),
    (frozenset({"invoice", "stockcode", "invoicedate"}), frozenset({"invoiceno", "stockcode", "invoicedate"})),
    currency="GBP",
    time_zone="Europe/London",
    decimal_mark=".",
)

_SCORE = "satisfaction satisfactionscore satisfactionrating rating csat satisfaction15"
TICKETS = Scheme(
    "generic",
    "tickets",
    "Tickets",
    (
        _field("ticket_id", "Ticket id", "id", "ticketid ticketnumber ticketno ticket caseid conversationid id"),
        _field("customer_id", "Customer id", "customer", "customerid requesterexternalid"),
        _field("email", "Customer's e-mail", "email", "customeremail requesteremail email emailaddress requester"),
        _field("channel", "Channel", "channel", "channel via viachannel ticketchannel source"),
        _field("subject", "Subject", "title", "subject ticketsubject title summary"),
        _field("status", "Status", "status", "status ticketstatus state"),
        _field("created_at", "Created at", "date", "createdat created ticketcreated creationdate datecreated openedat date"),
        _field("closed_at", "Closed at", "date", "closedat closed solvedat solved resolvedat resolved completedat"),
        _field("reopened", "Reopened", "reopened", "reopened reopens reopencount"),
        _field("satisfaction", "Score", "satisfaction", _SCORE),
        _field("tags", "Tags", "tags", "tags labels tickettags"),
        _field("messages", "Messages", "count", "messages messagecount messagescount replies comments commentcount"),
    ),
    (("the ticket's id", (("ticket_id",),)), ("the time it was created", (("created_at",),))),
    (
        frozenset({"ticketid"}),
        frozenset({"id", "subject", "status", "createdat"}),
        frozenset({"requesteremail", "subject"}),
    ),
)  # fmt: skip

# In the order of trying: the marks of the special ones are never those of a plain table.
SCHEMES = (SHOPIFY_CUSTOMERS, SHOPIFY_ORDERS, WOOCOMMERCE, ONLINE_RETAIL, TICKETS, GENERIC_ORDERS, GENERIC_CUSTOMERS)
SOURCES = ("auto", "shopify", "shopify-bulk", "woocommerce", "online-retail", "generic")


def scheme_of(header: tuple[str, ...], source: str, kind: str) -> Scheme:
    """The scheme of a file with this header; `source` ("auto" for any) and `kind` ("" for any) narrow the choice.

    Without a mark it is a table of orders, or of customers if it has people and nothing that only orders have.
    """
    names = {normalised(column) for column in header}
    for scheme in SCHEMES:
        if source in ("auto", scheme.source) and kind in ("", scheme.kind) and any(mark <= names for mark in scheme.marks):
            return scheme
    candidates = [s for s in SCHEMES if source in ("auto", s.source) and kind in ("", s.kind)]
    if source in ("auto", "generic"):
        candidates = [s for s in candidates if s.source == "generic"] or candidates
    if kind or len(candidates) == 1:
        return candidates[0] if candidates else GENERIC_ORDERS
    if GENERIC_ORDERS in candidates:
        people = GENERIC_CUSTOMERS.guess(header)
        has_people = {"first_name", "last_name", "email", "email_consent"} & people.keys()
        return GENERIC_CUSTOMERS if has_people and not _tells_of_orders(names) else GENERIC_ORDERS
    return next((s for s in candidates if s.kind == "orders"), GENERIC_ORDERS)


_OF_ORDERS = frozenset({"order_id", "placed_at", "amount", "quantity", "unit_price", "sku", "product"})


def _tells_of_orders(names: set[str]) -> bool:
    """Whether a table has a column that only orders have: an id, a date or an amount of an order, a product or how many."""
    aliases = {alias for field in GENERIC_ORDERS.fields if field.name in _OF_ORDERS for alias in field.aliases}
    return bool((aliases - header_words.COULD_BE_PEOPLE) & names)
