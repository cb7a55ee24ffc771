from django.db import migrations


def take_pages_from_secret_keys(apps, schema_editor):
    """Keys that may more than read figures are for servers: everybody can copy a key from a web page."""
    keys = apps.get_model("accounts", "ApiKey").objects
    for key in keys.exclude(origins=[]):
        if set(key.scopes) - {"read"}:
            keys.filter(pk=key.pk).update(origins=[])


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0005_guest_key"),
    ]

    operations = [
        migrations.RunPython(take_pages_from_secret_keys, migrations.RunPython.noop),
    ]
