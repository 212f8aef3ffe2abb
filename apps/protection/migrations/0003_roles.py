"""The four roles exist from the first migration on."""

from django.db import migrations

NAMES = ("analyst", "approver", "administrator", "responder")


def create(apps, schema_editor):
    for name in NAMES:
        apps.get_model("auth", "Group").objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = (
        ("protection", "0002_only_grows"),
        ("auth", "0012_alter_user_first_name_max_length"),
    )
    operations = (migrations.RunPython(create, migrations.RunPython.noop),)
