from django.db import migrations

COUNTS = ("accounts_minutecount", "accounts_daycount", "accounts_customerread")


def without_a_journal(apps, schema_editor):
    """PostgreSQL waits for its journal at the end of every write; after a crash today's counts may begin anew."""
    if schema_editor.connection.vendor == "postgresql":
        for table in COUNTS:
            schema_editor.execute(f"ALTER TABLE {table} SET UNLOGGED")


def with_a_journal(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in COUNTS:
            schema_editor.execute(f"ALTER TABLE {table} SET LOGGED")


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0003_keys_limits_and_repeats"),
    ]

    operations = [
        migrations.RunPython(without_a_journal, with_a_journal),
    ]
