from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

A_NAME = "Give the key a name, of at most 80 characters."
REQUESTS = "Give a whole number of requests a minute, from 1 to 1,000,000."
CUSTOMERS = "Give a whole number of customers a day, from 1 to 100,000,000, or 0 for no end."
FAMILY = "The beginning of the first key that this one goes back to by rotation: limits are counted for all of them."


def each_key_by_itself(apps, schema_editor):
    """Which key replaced which was not kept: keys of before are counted as they were, and stay so when they are rotated."""
    apps.get_model("accounts", "ApiKey").objects.update(family=models.F("prefix"))


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0006_pages_for_figures_only"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="family",
            field=models.CharField(default="", editable=False, max_length=16),
        ),
        migrations.RunPython(each_key_by_itself, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="apikey",
            name="family",
            field=models.CharField(db_index=True, editable=False, help_text=FAMILY, max_length=16),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="name",
            field=models.CharField(error_messages=dict.fromkeys(("blank", "max_length"), A_NAME), max_length=80),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="requests_a_minute",
            field=models.PositiveIntegerField(
                default=600,
                error_messages=dict.fromkeys(("min_value", "max_value"), REQUESTS),
                help_text="The next request in the same minute is refused with 429.",
                validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="customers_a_day",
            field=models.PositiveIntegerField(
                default=2000,
                error_messages=dict.fromkeys(("min_value", "max_value"), CUSTOMERS),
                help_text="Different customers that the key may read a day (UTC): a stolen one cannot copy them all. 0: no end.",
                validators=[MaxValueValidator(100_000_000)],
            ),
        ),
    ]
