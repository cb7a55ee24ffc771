"""What the columns of a plain table are called, by field: in English, German, French, Spanish and Dutch.

Names are compared by `values.normalised`, so "N° de commande" is `ndecommande`. The first name that a file has is taken: what
is certain stands before what is likely.
"""

ORDERS = {
    "order_id": """
        orderid ordernumber orderno ordernr orderref orderreference invoice invoiceno invoicenumber invoicenr transactionid
        receiptnumber receiptno bestellnummer bestellnr bestellid auftragsnummer auftragsnr rechnungsnummer rechnungsnr
        belegnummer belegnr numerodecommande numerocommande ncommande ndecommande nodecommande nocommande numcommande idcommande
        referencecommande numerodefacture numerofacture numerodepedido numeropedido ndepedido npedido nodepedido nopedido
        idpedido numerodefactura numerofactura ordernummer bestelnummer bestelnr bestellingnummer factuurnummer factuurnr
        order bestellung auftrag commande pedido bestelling name
    """,
    "customer_id": """
        customerid clientid userid buyerid memberid custid customernumber customerno customernr customercode clientnumber
        kundennummer kundennr kundenid kundenummer debitorennummer idclient numeroclient nclient noclient numclient codeclient
        idcliente numerocliente numerodecliente ncliente nocliente codigocliente codigodecliente klantnummer klantnr klantid
        klantcode customer client kunde cliente klant
    """,
    "email": """
        email emailaddress customeremail billingemail mail mailaddress emailadresse mailadresse kundenemail courriel adressemail
        adresseemail adressecourriel emailclient correo correoelectronico emailcliente emailadres mailadres klantemail
    """,
    "phone": """
        phone phonenumber customerphone telephone telefon telefonnummer mobile handy portable numerodetelephone telefono
        numerodetelefono movil telefoon telefoonnummer mobiel
    """,
    "placed_at": """
        orderdate purchasedate invoicedate orderedat orderedon transactiondate saledate bestelldatum auftragsdatum
        rechnungsdatum kaufdatum bestelltam datedecommande datecommande datedelacommande datedachat dateachat datedefacture
        datefacture fechadepedido fechapedido fechadelpedido fechadecompra fechacompra fechadefactura fechafactura besteldatum
        orderdatum aankoopdatum factuurdatum date createdat created datecreated processedat datum fecha
    """,
    "amount": """
        amount total ordertotal grandtotal revenue totalprice totalamount linetotal sales ordervalue betrag gesamtbetrag
        gesamtsumme gesamtpreis summe gesamt umsatz bestellwert montant montanttotal montantttc totalttc prixtotal importe
        importetotal preciototal monto montototal bedrag totaalbedrag totaal totaalprijs orderbedrag omzet
    """,
    "quantity": """
        quantity qty units lineitemquantity itemquantity anzahl menge stuckzahl stueckzahl stuck quantite qte cantidad unidades
        aantal hoeveelheid stuks
    """,
    "unit_price": """
        unitprice price itemprice lineitemprice itemcost priceperunit einzelpreis stuckpreis stueckpreis preis prixunitaire prix
        pu preciounitario precio stuksprijs eenheidsprijs prijs
    """,
    "sku": """
        sku stockcode productid itemid lineitemsku productcode itemcode itemnumber itemno articlenumber articleid artikelnummer
        artikelnr artikelid artnr produktnummer codearticle codeproduit referenceproduit referencearticle codigoproducto
        codigodeproducto codigoarticulo artikelcode productnummer reference referencia
    """,
    "product": """
        product productname description title item itemname lineitemname article articlename artikel artikelname
        artikelbezeichnung bezeichnung produkt produktname produit nomduproduit nomproduit libelle designation producto
        nombredelproducto nombreproducto articulo descripcion artikelnaam productnaam omschrijving
    """,
    "category": """
        category producttype type department collection kategorie warengruppe produktgruppe categorie categoria productgroep
    """,
    "vendor": "vendor brand manufacturer marke hersteller marque fabricant marca fabricante merk fabrikant",
    "discount": """
        discount discountamount totaldiscounts coupondiscount lineitemdiscount rabatt nachlass remise reduction descuento
        korting
    """,
    "refund": """
        refund refunded refundamount refundedamount erstattung erstattet remboursement rembourse reembolso terugbetaling
    """,
    "currency": "currency currencycode waehrung wahrung devise monnaie moneda divisa valuta munt",
    "status": """
        financialstatus paymentstatus orderstatus bestellstatus zahlungsstatus statutdelacommande statutcommande
        estadodelpedido estadopedido bestelstatus betaalstatus status statut estado
    """,
    "channel": "channel source sourcename kanal verkaufskanal canal kanaal",
}
COULD_BE_PEOPLE = frozenset(
    {"name", "title", "description", "designation", "date", "created", "createdat", "datecreated", "datum", "fecha"}
)
"""Names that a table of customers has as well, so they do not tell that it is one of orders."""
CUSTOMERS = {
    "customer_id": ORDERS["customer_id"].replace(" customer client", " id customer client"),
    "email": ORDERS["email"],
    "phone": ORDERS["phone"],
    "first_name": "firstname forename givenname vorname prenom nombre voornaam",
    "last_name": "lastname surname familyname nachname nom nomdefamille apellido apellidos achternaam",
    "created_at": """
        createdat created datecreated registeredat registered signupdate customersince kundeseit angelegtam erstelltam
        registriertam clientdepuis datedinscription datedecreation clientedesde fechaderegistro fechadealta klantsinds
        aangemaaktop
    """,
    "email_consent": "emailconsent acceptsemailmarketing acceptsmarketing newsletter subscribed emailmarketing",
    "sms_consent": "smsconsent acceptssmsmarketing",
    "time_zone": "timezone zeitzone fuseauhoraire zonahoraria tijdzone",
    "country": "country countrycode land pays pais",
    "tags": "tags labels",
}
