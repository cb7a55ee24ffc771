from django.db import migrations


def with_a_journal(apps, schema_editor):
    """What a key has read today is what is left when Redis has lost it, so a crash of PostgreSQL must not lose it too."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE accounts_daycount SET LOGGED")


def without_a_journal(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE accounts_daycount SET UNLOGGED")


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0007_families_of_keys"),
    ]

    operations = [
        migrations.RunPython(with_a_journal, without_a_journal),
    ]
