from customers.importing.commanding import ImportCommand
from customers.models import DataImport


class Command(ImportCommand):
    """import_tickets FILE [--map field=column …] and the other options of `ImportCommand`."""

    help = "Import a help desk's tickets (.csv, .csv.gz); rows that cannot be taken go to a reject file."
    kind = DataImport.Kind.TICKETS
