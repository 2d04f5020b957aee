"""What a program does with a schema registry: by Confluent's own client, one step for each run."""

import sys

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient

step, url = sys.argv[1:3]
client = SchemaRegistryClient({"url": url})


def record(name, fields):
    listed = ",".join('{"name":"%s","type":"%s","default":%s}' % field for field in fields)
    return '{"type":"record","name":"%s","fields":[%s]}' % (name, listed)


if step == "register":
    client.register_schema("money", Schema(record("Money", [("cents", "long", "0")]), "AVRO"))
    client.register_schema("orders-value", Schema(record("Order", [("id", "string", '""')]), "AVRO"))
elif step == "evolve":
    order = '{"type":"record","name":"Order","fields":[{"name":"id","type":"string","default":""},{"name":"total","type":["null","Money"],"default":null}]}'
    money = SchemaReference("Money", "money", 1)
    client.register_schema("orders-value", Schema(order, "AVRO", [money]))
    client.set_compatibility(subject_name="orders-value", level="FULL")
elif step == "remove":
    client.delete_subject("orders-value")
else:
    raise SystemExit(f"no such step: {step}")
