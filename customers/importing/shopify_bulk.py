"""Shopify's bulk export: one JSON object a line, roots and children in any order.

A child names its order by `__parentId`; ids are gids, of which we keep the number. Money comes as a set (shop and buyer), as
an amount with its currency or as plain text: always the shop's side is read.
"""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from customers.importing import values
from customers.importing.amounts import money
from customers.importing.dates import instant
from customers.importing.records import Batch, Reject
from customers.importing.rows import KEPT_OF_A_ROW
from customers.importing.sniffing import Source
from customers.importing.values import Bad, Cached

LINES_PER_BATCH = 5_000
POSITIONS = 2**31 - 1
_CONSENT = {
    "SUBSCRIBED": "subscribed",
    "UNSUBSCRIBED": "unsubscribed",
    "REDACTED": "unsubscribed",
    "INVALID": "unsubscribed",
    "PENDING": "pending",
    "NOT_SUBSCRIBED": "unknown",
}


class Wrong(ValueError):
    """A line that cannot be taken: `field` and the reason as a sentence."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def read_lines(path: Path, now: datetime) -> Iterator[Batch]:
    """Orders, lines, refunds and customers of a bulk file, about 5,000 JSON lines a batch, in the order of the file."""
    reader = _Reader(now)
    number = 0
    source = Source(path)
    with io.BufferedReader(source, 1 << 20) as stream:
        while lines := list(islice(stream, LINES_PER_BATCH)):
            batch = Batch()
            for line in lines:
                number += 1
                if line.strip():
                    batch.rows_read += 1
                    reader.take(line, number, batch)
            batch.bytes_read = source.on_disk
            yield batch


class _Reader:
    """Takes lines into batches."""

    def __init__(self, now: datetime) -> None:
        self.dates = Cached(instant("", UTC, now))
        self.amounts = Cached(money("."))
        self.text = values.text(255)
        self.short = values.text(120)
        self.by_type: dict[str, Callable[[dict[str, Any], Batch], None]] = {
            "Order": self._order,
            "Customer": self._customer,
            "LineItem": self._child_line,
            "Refund": self._child_refund,
        }

    def take(self, line: bytes, number: int, batch: Batch) -> None:
        """Put one line where it belongs; a line that cannot be read becomes a reject."""
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            data = json.loads(text)
            if "\\ud" in text or "\\uD" in text:  # half of an escaped pair is no text that a database takes
                plain = json.dumps(data, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
                data = json.loads(plain)
            if not isinstance(data, dict):
                raise Wrong("", "The line is not a JSON object.")
            kind = data.get("__typename") or _type_of(data.get("id"))
            if not kind:
                raise Wrong("id", "The object has no id: select `id` on every node of the bulk query.")
            handler = self.by_type.get(kind)
            if handler is None:
                reason = f"objects of another kind ({str(kind)[:40]})"
                batch.left_out[reason] = batch.left_out.get(reason, 0) + 1
                return
            fresh = Batch()
            handler(data, fresh)
        except UnicodeDecodeError:
            self._reject(batch, number, "", "The line is not UTF-8.", line)
        except (json.JSONDecodeError, RecursionError):
            self._reject(batch, number, "", "The line is not valid JSON.", line)
        except Wrong as wrong:
            self._reject(batch, number, wrong.field, wrong.reason, line)
        except (AttributeError, TypeError, KeyError, ValueError):
            self._reject(batch, number, "", "The line does not have the shape of Shopify's bulk export.", line)
        else:
            batch.orders += fresh.orders
            batch.lines += fresh.lines
            batch.refunds += fresh.refunds
            batch.customers += fresh.customers

    def _reject(self, batch: Batch, number: int, field: str, reason: str, line: bytes) -> None:
        text = line[:KEPT_OF_A_ROW].decode("utf-8", "replace").rstrip("\r\n").replace("\0", "")
        batch.rejects.append(Reject(number, field, reason, text))

    def _order(self, data: dict[str, Any], batch: Batch) -> None:
        order_id = _number(data["id"])
        total, currency = self._money(data, "totalPriceSet", "totalPrice")
        if total is None:
            raise Wrong("totalPriceSet", "The order has no total.")
        code = values.currency(str(currency or data.get("currencyCode") or ""))
        if not isinstance(code, str):
            raise Wrong("currencyCode", "The order has no currency, or one that does not exist.")
        placed = self._date(data, "processedAt") or self._date(data, "createdAt")
        if placed is None:
            raise Wrong("createdAt", "The order has no date.")
        customer = data.get("customer") or {}
        customer_id = _number(customer["id"]) if customer.get("id") else None
        email, phone = self._contact(customer)
        email = values.email(str(data.get("email") or "")) or email
        phone = values.phone(str(data.get("phone") or "")) or phone
        gateways = data.get("paymentGatewayNames") or []
        codes = data.get("discountCodes") or ([data["discountCode"]] if data.get("discountCode") else [])
        attributes = {
            "discount_code": self._clean(self.short, ", ".join(map(str, codes))),
            "channel": self._clean(self.short, data.get("sourceName")),
        }
        batch.orders.append(
            (
                order_id,
                self._clean(values.text(64), data.get("name")),
                customer_id,
                email or None,
                phone or None,
                placed,
                code,
                total,
                self._money(data, "totalDiscountsSet", "totalDiscounts")[0] or 0,
                self._status(data, "displayFinancialStatus"),
                self._status(data, "displayFulfillmentStatus"),
                self._date(data, "cancelledAt"),
                bool(data.get("test")) or "bogus" in (str(name).lower() for name in gateways),
                self._tracking(data.get("fulfillments")),
                {name: text for name, text in attributes.items() if text} or None,
            )
        )
        refunds = _nodes(data.get("refunds"))
        for refund in refunds:
            self._refund(refund, order_id, customer_id, batch)
        refunded = self._money(data, "totalRefundedSet", "totalRefunded")[0]
        if refunded and not refunds:
            batch.refunds.append((f"{order_id}:refunded", order_id, customer_id, None, None, None, refunded))
        for line in _nodes(data.get("lineItems")):
            self._line(line, order_id, batch)
        if customer_id and len(customer) > 1:
            self._customer(customer, batch)

    def _child_line(self, data: dict[str, Any], batch: Batch) -> None:
        self._line(data, _parent(data), batch)

    def _child_refund(self, data: dict[str, Any], batch: Batch) -> None:
        self._refund(data, _parent(data), None, batch)

    def _line(self, data: dict[str, Any], order_id: str, batch: Batch) -> None:
        line_id = _number(data["id"])
        price, _ = self._money(data, "originalUnitPriceSet", "originalUnitPrice", "priceSet", "price")
        quantity = data.get("quantity")
        if not isinstance(quantity, int) or isinstance(quantity, bool) or abs(quantity) > values.LARGEST_QUANTITY:
            raise Wrong("quantity", "The line has no quantity.")
        if price is None:
            raise Wrong("originalUnitPriceSet", "The line has no price.")
        allocations = data.get("discountAllocations")
        if allocations is not None:
            discount = sum(self._money(entry, "allocatedAmountSet", "allocatedAmount")[0] or 0 for entry in _nodes(allocations))
        else:
            after, _ = self._money(data, "discountedTotalSet", "discountedTotal")
            discount = 0 if after is None else max(0, quantity * price - after)
        product = data.get("product") or {}
        title = " - ".join(str(part) for part in (data.get("title") or data.get("name"), data.get("variantTitle")) if part)
        batch.lines.append(
            (
                order_id,
                # Lines of an order come in any order and have no position; their ids ascend, so they keep it from file to file.
                int(line_id) % POSITIONS,
                _number(product["id"]) if product.get("id") else None,
                self._clean(self.short, data.get("sku")),
                self._clean(self.text, title) or "Without a name",
                self._clean(self.short, data.get("vendor") or product.get("vendor")),
                self._clean(self.short, product.get("productType")),
                quantity,
                price,
                discount,
            )
        )

    def _refund(self, data: dict[str, Any], order_id: str, customer_id: str | None, batch: Batch) -> None:
        amount, _ = self._money(data, "totalRefundedSet", "totalRefunded")
        if amount is None or amount < 0:
            raise Wrong("totalRefundedSet", "A refund has no amount, or a negative one.")
        if amount:
            batch.refunds.append(
                (_number(data["id"]), order_id, customer_id, None, None, self._date(data, "createdAt"), amount)
            )

    def _customer(self, data: dict[str, Any], batch: Batch) -> None:
        email, phone = self._contact(data)
        address = data.get("defaultAddress") or {}
        country = address.get("countryCodeV2") or address.get("countryCode") or address.get("country")
        found = data.get("tags")
        tags = (
            values.tags(found)
            if isinstance(found, str)
            else [tag for tag in (self._clean(self.short, tag) for tag in (found or [])[:250]) if tag]
        )
        by_mail = data.get("defaultEmailAddress") or data.get("emailMarketingConsent") or {}
        by_text = data.get("defaultPhoneNumber") or data.get("smsMarketingConsent") or {}
        batch.customers.append(
            (
                _number(data["id"]),
                email or None,
                phone or None,
                self._clean(self.short, data.get("firstName")),
                self._clean(self.short, data.get("lastName")),
                self._date(data, "createdAt"),
                _CONSENT.get(str(by_mail.get("marketingState") or "")),
                _CONSENT.get(str(by_text.get("marketingState") or "")),
                None,
                self._clean(values.text(64), country),
                tags if found is not None else None,
                None,
            )
        )

    def _contact(self, customer: dict[str, Any]) -> tuple[str, str]:
        mail = (customer.get("defaultEmailAddress") or {}).get("emailAddress") or customer.get("email") or ""
        number = (customer.get("defaultPhoneNumber") or {}).get("phoneNumber") or customer.get("phone") or ""
        return values.email(str(mail)), values.phone(str(number))

    def _clean(self, parse: values.Parser, value: Any) -> str | None:
        cleaned = parse(str(value)) if value is not None else None
        return None if isinstance(cleaned, Bad) else cleaned or None

    def _status(self, data: dict[str, Any], name: str) -> str | None:
        word = self._clean(values.text(24), data.get(name))
        return word.lower() if word else None

    def _date(self, data: dict[str, Any], name: str) -> int | None:
        found = data.get(name)
        if not found:
            return None
        value = self.dates[str(found)]
        if isinstance(value, Bad):
            raise Wrong(name, f"{name} {value.reason}.")
        return int(value)

    def _tracking(self, fulfillments: Any) -> list[str] | None:
        """The tracking numbers of all fulfilments that succeeded, each once."""
        if fulfillments is None:
            return None
        numbers = (
            self._clean(self.short, info.get("number"))
            for entry in _nodes(fulfillments)
            if str(entry.get("status") or "SUCCESS").upper() == "SUCCESS"
            for info in _nodes(entry.get("trackingInfo"))
        )
        return [number for number in dict.fromkeys(numbers) if number]

    def _money(self, data: dict[str, Any], *names: str) -> tuple[int | None, str | None]:
        """(ten-thousandths, currency) of the first of the fields that is there."""
        for name in names:
            found, code = data.get(name), None
            if isinstance(found, dict):
                side = found.get("shopMoney") or found
                found, code = side.get("amount"), side.get("currencyCode")
            if found is None:
                continue
            value = self.amounts[str(found)]
            if isinstance(value, Bad):
                raise Wrong(name, f"{name} {value.reason}.")
            return value, code
        return None, None


def _type_of(gid: Any) -> str:
    """ "Order" of gid://shopify/Order/123."""
    parts = str(gid or "").split("/")
    return parts[-2] if len(parts) >= 5 and parts[0] == "gid:" else ""


def _number(gid: Any) -> str:
    """ "123" of gid://shopify/Order/123."""
    number = str(gid).rpartition("/")[2].partition("?")[0]
    if not number.isascii() or not number.isdigit() or len(number) > 20:
        raise Wrong("id", f"{str(gid)[:80]!r} is no id of Shopify.")
    return number


def _parent(data: dict[str, Any]) -> str:
    parent = data.get("__parentId")
    if _type_of(parent) != "Order":
        raise Wrong("__parentId", "The line does not say to which order it belongs.")
    return _number(parent)


def _nodes(connection: Any) -> list[dict[str, Any]]:
    """The objects of a list, of {"nodes": […]} or of {"edges": [{"node": …}]}."""
    if isinstance(connection, dict):
        connection = connection.get("nodes") or [edge["node"] for edge in connection.get("edges") or []]
    return [entry for entry in connection or [] if isinstance(entry, dict)]
