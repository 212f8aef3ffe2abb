"""The items of batches, and which words are in which of them."""

# ruff: noqa: DJ001 - null means that the record does not say, the empty text that it says nothing

from __future__ import annotations

from django.db import models

from apps.acquisition.models.sources import Batch


class Record(models.Model):
    """One item of a batch. The columns are `contracts.RECORD_COLUMNS`; a test holds that.

    The table is partitioned by the day its batch was received, which is the upper part of the id
    (`storage`). Nothing checks `batch` row by row: `storage` writes and deletes whole batches.
    """

    batch = models.ForeignKey(
        Batch, models.DO_NOTHING, related_name="records", db_constraint=False, db_index=False
    )
    timestamp = models.DateTimeField(null=True)
    event_sequence = models.BigIntegerField()
    event_dataset = models.TextField()
    event_category = models.TextField(null=True)
    event_action = models.TextField(null=True)
    event_outcome = models.TextField(null=True)
    event_code = models.TextField(null=True)
    event_provider = models.TextField(null=True)
    event_severity = models.BigIntegerField(null=True)
    event_duration = models.BigIntegerField(null=True)
    event_original = models.TextField(null=True)
    source_ip = models.GenericIPAddressField(null=True)
    source_domain = models.TextField(null=True)
    source_port = models.BigIntegerField(null=True)
    source_bytes = models.BigIntegerField(null=True)
    source_packets = models.BigIntegerField(null=True)
    destination_ip = models.GenericIPAddressField(null=True)
    destination_domain = models.TextField(null=True)
    destination_port = models.BigIntegerField(null=True)
    destination_bytes = models.BigIntegerField(null=True)
    destination_packets = models.BigIntegerField(null=True)
    network_transport = models.TextField(null=True)
    network_protocol = models.TextField(null=True)
    network_bytes = models.BigIntegerField(null=True)
    network_packets = models.BigIntegerField(null=True)
    network_direction = models.TextField(null=True)
    host_name = models.TextField(null=True)
    user_name = models.TextField(null=True)
    user_domain = models.TextField(null=True)
    user_target_name = models.TextField(null=True)
    process_name = models.TextField(null=True)
    process_pid = models.BigIntegerField(null=True)
    process_executable = models.TextField(null=True)
    process_command_line = models.TextField(null=True)
    process_parent_executable = models.TextField(null=True)
    log_level = models.TextField(null=True)
    rule_id = models.TextField(null=True)
    rule_name = models.TextField(null=True)
    dns_question_name = models.TextField(null=True)
    dns_question_type = models.TextField(null=True)
    dns_response_code = models.TextField(null=True)
    dns_answers = models.TextField(null=True)
    tls_client_server_name = models.TextField(null=True)
    email_from_address = models.TextField(null=True)
    email_to_address = models.TextField(null=True)
    http_request_method = models.TextField(null=True)
    http_request_body_content = models.TextField(null=True)
    http_request_body_bytes = models.BigIntegerField(null=True)
    http_request_referrer = models.TextField(null=True)
    http_response_status_code = models.BigIntegerField(null=True)
    http_response_body_bytes = models.BigIntegerField(null=True)
    url_original = models.TextField(null=True)
    url_domain = models.TextField(null=True)
    url_path = models.TextField(null=True)
    url_query = models.TextField(null=True)
    user_agent_original = models.TextField(null=True)
    file_path = models.TextField(null=True)
    file_size = models.BigIntegerField(null=True)
    file_hash_sha256 = models.TextField(null=True)
    message = models.TextField(null=True)
    error_message = models.TextField(null=True)
    labels = models.TextField(null=True)
    tocsin_features = models.BinaryField(null=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(
                models.F("timestamp").desc(nulls_last=True),
                models.F("id").desc(),
                name="record_newest_first",
            ),
            models.Index(
                fields=("source_ip", "timestamp"),
                condition=models.Q(event_category="authentication"),
                name="record_logins",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_dataset} {self.event_sequence}"


class Block(models.Model):
    """Some thousand records stored one after the other, and which words they may hold.

    `id` is that of the first record. Search reads only the blocks that may hold what it looks
    for (`words`). Partitioned as the records are.
    """

    id = models.BigIntegerField(primary_key=True)
    last_record = models.BigIntegerField()
    first_at = models.DateTimeField(null=True)  # of its records; null where none has a time
    last_at = models.DateTimeField(null=True)
    has_untimed = models.BooleanField()  # some record has no time
    words = models.BinaryField()  # a filter; empty: it may hold anything

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("-last_at", "-id"), name="block_newest_first"),)

    def __str__(self) -> str:
        return f"{self.id} to {self.last_record}"
