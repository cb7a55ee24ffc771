"""Telephone numbers were compared by their digits as written; those of other scripts are now the same as 0 to 9."""

import unicodedata

from django.db import migrations

AT_ONCE = 1_000


def write_keys_anew(apps, schema_editor):
    """Each key that holds anything but 0 to 9, and no other: one pass over the customers, and a short write for each 1,000."""
    customers, last = apps.get_model("customers", "Customer").objects.order_by("pk"), 0
    while some := list(customers.filter(pk__gt=last, phone_key__regex=r"[^0-9]").only("pk", "phone_key")[:AT_ONCE]):
        for customer in some:
            digits = (unicodedata.decimal(c, None) for c in customer.phone_key)
            customer.phone_key = "".join(str(digit) for digit in digits if digit is not None)
        customers.bulk_update(some, ["phone_key"])
        last = some[-1].pk


class Migration(migrations.Migration):

    atomic = False

    dependencies = [("customers", "0001_start")]

    operations = [migrations.RunPython(write_keys_anew, migrations.RunPython.noop)]
