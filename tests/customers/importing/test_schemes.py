"""What a plain table holds, told by the names of its columns."""

import pytest

from customers.importing.schemes import GENERIC_CUSTOMERS, GENERIC_ORDERS, scheme_of
from customers.importing.values import normalised


@pytest.mark.parametrize(
    "header",
    [
        "Bestellnr;Kunde;E-Mail;Datum;Artikel;Menge;Summe",
        "N° de commande;Client;Courriel;Date de commande;Produit;Quantité;Montant",
        "Nº pedido;Cliente;Correo electrónico;Fecha;Producto;Cantidad;Importe",
        "Ordernummer;Klantnummer;E-mailadres;Besteldatum;Artikel;Aantal;Totaalbedrag",
        "Order;Customer;Email;Date;Item;Qty;Total",
    ],
)
def test_orders_are_known_in_five_languages(header: str):
    names = tuple(header.split(";"))
    scheme = scheme_of(names, "auto", "")
    wanted = ("order_id", "customer_id", "email", "placed_at", "product", "quantity", "amount")
    assert scheme is GENERIC_ORDERS
    assert scheme.guess(names) == dict(zip(wanted, names, strict=True))


@pytest.mark.parametrize("only_orders_have", ["Order date", "Qty", "Item", "Bestellnr", "Einzelpreis", "Artikelnummer"])
def test_one_column_that_only_orders_have_is_enough(only_orders_have: str):
    assert scheme_of(("Email", "First name", only_orders_have), "auto", "") is GENERIC_ORDERS


@pytest.mark.parametrize(
    "header",
    [
        "email;first name;last name",
        "Kundennr;Vorname;Nachname;E-Mail;Land;Kunde seit",
        "Email;Title;First Name;Last Name;Created at;Description",
        "Email;Name;Datum",
    ],
)
def test_people_stay_people(header: str):
    assert scheme_of(tuple(header.split(";")), "auto", "") is GENERIC_CUSTOMERS


def test_no_name_stands_for_two_things():
    for scheme in (GENERIC_ORDERS, GENERIC_CUSTOMERS):
        aliases = [alias for field in scheme.fields for alias in field.aliases]
        assert len(aliases) == len(set(aliases))
        assert aliases == [normalised(alias) for alias in aliases]


def test_accents_and_signs_make_no_difference():
    assert normalised("N° de commande") == "ndecommande"
    assert normalised("Währung") == normalised("WA\u0308HRUNG") == "wahrung"
