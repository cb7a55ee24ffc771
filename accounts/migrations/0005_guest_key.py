import accounts.models
from django.db import migrations, models


def give_the_shop_a_key(apps, schema_editor):
    """Not as the column's default: that would stand in an ALTER TABLE, which databases like to log."""
    apps.get_model("accounts", "Shop").objects.filter(guest_key="").update(guest_key=accounts.models.new_guest_key())


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0004_counts_without_a_journal"),
    ]

    operations = [
        migrations.AddField(
            model_name="shop",
            name="guest_key",
            field=models.CharField(default="", editable=False, max_length=64),
        ),
        migrations.RunPython(give_the_shop_a_key, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="shop",
            name="guest_key",
            field=models.CharField(default=accounts.models.new_guest_key, editable=False, max_length=64),
        ),
    ]
