from customers.importing.commanding import ImportCommand
from customers.models import DataImport


class Command(ImportCommand):
    """import_orders FILE [--source …] [--map field=column …] [--currency USD] and the other options of `ImportCommand`."""

    help = "Import a file of orders (.csv, .csv.gz, .jsonl); rows that cannot be taken go to a reject file."
    kind = DataImport.Kind.ORDERS
