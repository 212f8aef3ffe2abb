import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("protocol", models.CharField(max_length=16)),
                ("file_name", models.CharField(blank=True, max_length=255)),
                ("host_name", models.CharField(blank=True, max_length=255)),
                ("digest", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                ("received_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "received"),
                            ("parsed", "parsed"),
                            ("detected", "searched by the tools"),
                            ("assessed", "weighed by the network"),
                            ("correlated", "brought into incidents"),
                            ("matched", "matched with knowledge"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="received",
                        max_length=16,
                    ),
                ),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("items", models.BigIntegerField(default=0)),
                ("stored", models.BigIntegerField(default=0)),
                ("rejected", models.BigIntegerField(default=0)),
                ("unparsed", models.BigIntegerField(default=0)),
                ("repeats", models.BigIntegerField(default=0)),
                ("first_at", models.DateTimeField(blank=True, null=True)),
                ("last_at", models.DateTimeField(blank=True, null=True)),
                ("summary", models.JSONField(default=dict)),
                ("error", models.TextField(blank=True)),
            ],
            options={
                "verbose_name_plural": "batches",
                "ordering": ("-received_at",),
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("shipper", "Log shipper"),
                            ("sensor", "Network sensor"),
                            ("upload", "Upload"),
                            ("host", "Watched host"),
                        ],
                        default="shipper",
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                (
                    "token_digest",
                    models.CharField(blank=True, max_length=64, null=True, unique=True),
                ),
                (
                    "host_name",
                    models.CharField(blank=True, max_length=255, verbose_name="host name"),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("is_demonstration", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_seen_at", models.DateTimeField(blank=True, null=True)),
                ("received", models.BigIntegerField(default=0)),
                ("stored", models.BigIntegerField(default=0)),
                ("rejected", models.BigIntegerField(default=0)),
                ("unparsed", models.BigIntegerField(default=0)),
                ("doubled", models.BigIntegerField(default=0)),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="BatchContent",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="content",
                        serialize=False,
                        to="acquisition.batch",
                    ),
                ),
                ("content", models.BinaryField()),
            ],
        ),
        migrations.AddField(
            model_name="batch",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="batches",
                to="acquisition.source",
            ),
        ),
        migrations.CreateModel(
            name="Record",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("timestamp", models.DateTimeField(null=True)),
                ("event_sequence", models.BigIntegerField()),
                ("event_dataset", models.TextField()),
                ("event_category", models.TextField(null=True)),
                ("event_action", models.TextField(null=True)),
                ("event_outcome", models.TextField(null=True)),
                ("event_duration", models.BigIntegerField(null=True)),
                ("event_original", models.TextField(null=True)),
                ("source_ip", models.GenericIPAddressField(null=True)),
                ("source_port", models.BigIntegerField(null=True)),
                ("source_bytes", models.BigIntegerField(null=True)),
                ("source_packets", models.BigIntegerField(null=True)),
                ("destination_ip", models.GenericIPAddressField(null=True)),
                ("destination_port", models.BigIntegerField(null=True)),
                ("destination_bytes", models.BigIntegerField(null=True)),
                ("destination_packets", models.BigIntegerField(null=True)),
                ("network_transport", models.TextField(null=True)),
                ("network_protocol", models.TextField(null=True)),
                ("network_bytes", models.BigIntegerField(null=True)),
                ("network_packets", models.BigIntegerField(null=True)),
                ("network_direction", models.TextField(null=True)),
                ("host_name", models.TextField(null=True)),
                ("user_name", models.TextField(null=True)),
                ("process_name", models.TextField(null=True)),
                ("process_pid", models.BigIntegerField(null=True)),
                ("http_request_method", models.TextField(null=True)),
                ("http_request_body_content", models.TextField(null=True)),
                ("http_request_body_bytes", models.BigIntegerField(null=True)),
                ("http_request_referrer", models.TextField(null=True)),
                ("http_response_status_code", models.BigIntegerField(null=True)),
                ("http_response_body_bytes", models.BigIntegerField(null=True)),
                ("url_original", models.TextField(null=True)),
                ("url_domain", models.TextField(null=True)),
                ("url_path", models.TextField(null=True)),
                ("url_query", models.TextField(null=True)),
                ("user_agent_original", models.TextField(null=True)),
                ("file_path", models.TextField(null=True)),
                ("file_size", models.BigIntegerField(null=True)),
                ("file_hash_sha256", models.TextField(null=True)),
                ("message", models.TextField(null=True)),
                ("error_message", models.TextField(null=True)),
                ("tocsin_features", models.BinaryField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="records",
                        to="acquisition.batch",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("timestamp"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="record_newest_first",
                    ),
                    models.Index(
                        fields=["source_ip", "timestamp"], name="acquisition_source__34e94f_idx"
                    ),
                    models.Index(
                        fields=["destination_ip", "timestamp"],
                        name="acquisition_destina_f809c4_idx",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["state", "claimed_at"], name="acquisition_state_6f9c67_idx"),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["source", "last_at"], name="acquisition_source__c8eb96_idx"),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["-received_at"], name="acquisition_receive_98586d_idx"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(
                fields=("source", "protocol", "digest", "file_name", "host_name"),
                name="batch_arrives_once",
            ),
        ),
    ]
