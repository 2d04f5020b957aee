"""What services write whose records name their schemas. Each step is a process of its own.

usage: client.py STEP REGISTRY_URL TOKEN BOOTSTRAP
Prints one line of JSON. Any exception is a failure.
"""

import json
import struct
import sys

from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

TOPIC = "machines"
COUNT = 60
PLACE = json.dumps({"type": "record", "name": "Place", "namespace": "plant", "fields": [
    {"name": "region", "type": "string"}]})
FIELDS = [{"name": "n", "type": "int"}, {"name": "level", "type": {"type": "enum", "name": "Level", "symbols": ["info", "error"]}},
    {"name": "place", "type": "plant.Place"}]
READING = json.dumps({"type": "record", "name": "Reading", "namespace": "plant", "fields": FIELDS})
NEWER = json.dumps({"type": "record", "name": "Reading", "namespace": "plant", "fields": FIELDS + [
    {"name": "note", "type": ["null", "string"], "default": None}]})
PLACES = [SchemaReference("plant.Place", "plant.Place", 1)]
JSON_READING = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Reading", "type": "object",
    "properties": {"n": {"type": "integer"}, "level": {"type": "string"},
        "place": {"type": "object", "properties": {"region": {"type": "string"}}}}})


def reading(n, **more):
    return {"n": n, "level": "error" if n % 2 == 0 else "info", "place": {"region": f"r{n % 4}"}, **more}


def reading_class():
    """plant/reading.proto, whose second message it is; the first one and the place come before."""
    F = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="plant/reading.proto", package="plant", syntax="proto3")
    place = file.message_type.add(name="Place")
    place.field.add(name="region", number=1, type=F.TYPE_STRING, label=F.LABEL_OPTIONAL)
    message = file.message_type.add(name="Reading")
    message.field.add(name="n", number=1, type=F.TYPE_INT32, label=F.LABEL_OPTIONAL)
    message.field.add(name="level", number=2, type=F.TYPE_STRING, label=F.LABEL_OPTIONAL)
    message.field.add(name="place", number=3, type=F.TYPE_MESSAGE, type_name=".plant.Place", label=F.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("plant.Reading"))


def send(bootstrap, values):
    producer = Producer({"bootstrap.servers": bootstrap})
    failed = []
    for value in values:
        producer.produce(TOPIC, key=b"k", value=value, on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(30) == 0 and not failed, failed


def context(subject):
    return SerializationContext(subject, MessageField.VALUE)


def write(client, bootstrap):
    """Three formats and plain JSON in turn, in one partition."""
    client.register_schema("plant.Place", Schema(PLACE, "AVRO"))
    avro = AvroSerializer(client, Schema(READING, "AVRO", PLACES))
    by_json = JSONSerializer(Schema(JSON_READING, "JSON"), client)
    cls = reading_class()
    protobuf = ProtobufSerializer(cls, client)

    def message(n):
        made = cls(n=n, level=reading(n)["level"])
        made.place.region = reading(n)["place"]["region"]
        return made

    formats = [
        lambda n: avro(reading(n), context("avro")),
        lambda n: by_json(reading(n), context("json")),
        lambda n: protobuf(message(n), context("protobuf")),
        lambda n: json.dumps(reading(n)).encode(),
    ]
    # Which format has which level changes from one four to the next.
    send(bootstrap, [formats[(n + n // 4) % 4](n) for n in range(COUNT)])
    return {"id": client.get_latest_version("avro-value").schema_id}


def register(client, _):
    """A version that no agent has met in a record."""
    return {"id": client.register_schema("avro-value", Schema(NEWER, "AVRO", PLACES))}


def known(client, bootstrap):
    """Without the registry: by the ids as they are known, in Avro. The index of "error" is 1."""
    ids = json.loads(client)
    avro = lambda n, more: struct.pack(">bI", 0, ids["id"]) + bytes([2 * n, 2, 4]) + b"r7" + more
    more = b"\x00" if ids["newer"] else b""
    send(bootstrap, [avro(n, more) for n in ids["numbers"]])
    return {}


def broken(client, bootstrap):
    """Bytes that are no value of their schema, an id that nobody gave out, and a good record behind them."""
    ids = json.loads(client)
    good = struct.pack(">bI", 0, ids["id"]) + bytes([2 * 50, 2, 4]) + b"r7"
    send(bootstrap, [good[:6], struct.pack(">bI", 0, 1_999_999) + good[5:], good])
    return {}


if __name__ == "__main__":
    step, url, token, bootstrap = sys.argv[1:]
    steps = {"write": write, "register": register, "known": known, "broken": broken}
    if step in ("known", "broken"):
        # What they need to know stands where the token would.
        client = token
    else:
        client = SchemaRegistryClient({"url": url, "basic.auth.user.info": f"service:{token}"})
    print(json.dumps(steps[step](client, bootstrap)))
