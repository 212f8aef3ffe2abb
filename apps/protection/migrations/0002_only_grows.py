"""The chains only grow: the database itself refuses to change or remove a link."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION protection_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % only grows: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""
TRIGGERS = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION protection_only_grows();
CREATE TRIGGER only_grows_whole BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION protection_only_grows();
"""
TABLES = ("protection_seal", "protection_auditentry")


class Migration(migrations.Migration):
    dependencies = (("protection", "0001_initial"),)
    operations = (
        migrations.RunSQL(REFUSE, "DROP FUNCTION protection_only_grows"),
        *(
            migrations.RunSQL(
                TRIGGERS.format(table=table),
                f"DROP TRIGGER only_grows ON {table}; DROP TRIGGER only_grows_whole ON {table};",
            )
            for table in TABLES
        ),
    )
