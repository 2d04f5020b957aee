"""Confluent's serializers against Meshport's schema registry. Each step is a process of its own, as services are.

usage: client.py STEP REGISTRY_URL TOKEN BOOTSTRAP
Prints one line of JSON. Any exception is a failure.
"""

import json
import sys

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

LINE = json.dumps({"type": "record", "name": "Line", "namespace": "shop", "fields": [
    {"name": "sku", "type": "string"}, {"name": "count", "type": "int"}]})
ORDER = json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "id", "type": "string"}, {"name": "lines", "type": {"type": "array", "items": "shop.Line"}}]})
WIDER = json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "id", "type": "string"}, {"name": "lines", "type": {"type": "array", "items": "shop.Line"}},
    {"name": "note", "type": "string", "default": "none"}]})
BROKEN = json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "id", "type": "string"}, {"name": "total", "type": "double"}]})
LINES = [SchemaReference("shop.Line", "shop.Line", 1)]

MONEY_JSON = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "$id": "http://shop.example/money.json",
    "type": "object", "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}},
    "required": ["amount", "currency"], "additionalProperties": False})
CART = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Cart", "type": "object",
    "properties": {"id": {"type": "integer"}, "total": {"$ref": "http://shop.example/money.json"}},
    "required": ["id", "total"], "additionalProperties": False})
MONEYS = [SchemaReference("http://shop.example/money.json", "shop money", 1)]

COUNT = 20
TOPICS = {"orders": "avro", "carts": "json", "payments": "protobuf"}


def files():
    """money.proto, and payment.proto that imports it and a file of Google's."""
    F = descriptor_pb2.FieldDescriptorProto
    money = descriptor_pb2.FileDescriptorProto(name="shop/money.proto", package="shop", syntax="proto3")
    message = money.message_type.add(name="Money")
    message.field.add(name="units", number=1, type=F.TYPE_INT64, label=F.LABEL_OPTIONAL)
    message.field.add(name="currency_code", number=2, type=F.TYPE_STRING, label=F.LABEL_OPTIONAL)
    payment = descriptor_pb2.FileDescriptorProto(name="shop/payment.proto", package="shop", syntax="proto3")
    payment.dependency.extend(["shop/money.proto", "google/protobuf/timestamp.proto"])
    payment.message_type.add(name="Unused").field.add(
        name="x", number=1, type=F.TYPE_BOOL, label=F.LABEL_REPEATED)
    message = payment.message_type.add(name="Payment")
    message.field.add(name="id", number=1, type=F.TYPE_STRING, label=F.LABEL_OPTIONAL)
    message.field.add(name="amount", number=2, type=F.TYPE_MESSAGE, type_name=".shop.Money", label=F.LABEL_OPTIONAL)
    message.field.add(name="at", number=3, type=F.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp",
                      label=F.LABEL_OPTIONAL)
    message.field.add(name="note", number=4, type=F.TYPE_STRING, label=F.LABEL_OPTIONAL, proto3_optional=True,
                      oneof_index=0)
    message.oneof_decl.add(name="_note")
    return [money, payment]


def payment_class():
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    for file in files():
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Payment"))


def order(n):
    return {"id": f"o{n}", "lines": [{"sku": "tea", "count": n}]}


def cart(n):
    return {"id": n, "total": {"amount": n + 0.5, "currency": "EUR"}}


def payment(cls, n):
    made = cls(id=f"p{n}", note="paid")
    made.amount.units, made.amount.currency_code = n, "EUR"
    made.at.seconds = 1_700_000_000 + n
    return made


def produce(bootstrap, topic, serializer, values):
    producer = Producer({"bootstrap.servers": bootstrap})
    failed = []
    for value in values:
        data = serializer(value, SerializationContext(topic, MessageField.VALUE))
        producer.produce(topic, key=b"k", value=data, on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(30) == 0 and not failed, failed


def refused(status, call):
    try:
        call()
    except SchemaRegistryError as error:
        assert error.http_status_code == status, error
        return error.error_code
    raise AssertionError(f"not refused with {status}")


def write(client, bootstrap):
    client.register_schema("shop.Line", Schema(LINE, "AVRO"))
    produce(bootstrap, "orders", AvroSerializer(client, Schema(ORDER, "AVRO", LINES)), map(order, range(COUNT)))
    client.register_schema("shop money", Schema(MONEY_JSON, "JSON"))
    produce(bootstrap, "carts", JSONSerializer(Schema(CART, "JSON", MONEYS), client), map(cart, range(COUNT)))
    cls = payment_class()
    produce(bootstrap, "payments", ProtobufSerializer(cls, client), (payment(cls, n) for n in range(COUNT)))
    # What is there already is found by a service that may not register.
    only = {"auto.register.schemas": False}
    produce(bootstrap, "payments", ProtobufSerializer(cls, client, only), [payment(cls, COUNT)])
    produce(bootstrap, "orders", AvroSerializer(client, Schema(ORDER, "AVRO", LINES), conf=only), [order(COUNT)])
    return {subject: client.get_latest_version(subject).schema_id for subject in client.get_subjects()}


def evolve(client, bootstrap):
    """Another version, used by its being the latest; one that hurts consumers; another level."""
    subject = "orders-value"
    assert client.test_compatibility(subject, Schema(WIDER, "AVRO", LINES))
    assert not client.test_compatibility(subject, Schema(BROKEN, "AVRO"))
    wider = client.register_schema(subject, Schema(WIDER, "AVRO", LINES))
    code = refused(409, lambda: client.register_schema(subject, Schema(BROKEN, "AVRO")))
    broken = AvroSerializer(client, BROKEN)
    refused(409, lambda: broken({"id": "x", "total": 1.0}, SerializationContext("orders", MessageField.VALUE)))
    latest = AvroSerializer(client, conf={"auto.register.schemas": False, "use.latest.version": True})
    produce(bootstrap, "orders", latest, [{**order(COUNT + 1), "note": "new"}])
    assert client.get_version(subject, 2).schema_id == wider
    assert client.get_versions(subject) == [1, 2]
    assert client.lookup_schema(subject, Schema(WIDER, "AVRO", LINES)).version == 2
    refused(404, lambda: client.get_compatibility(subject))
    assert client.get_compatibility() == "BACKWARD"
    client.set_compatibility(subject, "FULL_TRANSITIVE")
    assert client.get_compatibility(subject) == "FULL_TRANSITIVE"
    assert refused(422, lambda: client.delete_subject("shop.Line")) == 42206
    client.register_schema("gone-value", Schema('"string"', "AVRO"))
    assert client.delete_subject("gone-value") == [1]
    assert client.delete_subject("gone-value", permanent=True) == [1]
    assert "gone-value" not in client.get_subjects(deleted=True)
    return {"code": code, "wider": wider}


def read(client, bootstrap):
    """A service that has never seen a schema of its own: it reads by the ids in the records."""
    cls = payment_class()
    reader = {
        "orders": AvroDeserializer(client, Schema(WIDER, "AVRO", LINES)),
        "carts": JSONDeserializer(None, schema_registry_client=client),
        "payments": ProtobufDeserializer(cls, schema_registry_client=client),
    }
    plain = AvroDeserializer(client)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"})
    consumer.subscribe(list(TOPICS))
    found = {topic: [] for topic in TOPICS}
    want = {"orders": COUNT + 2, "carts": COUNT, "payments": COUNT + 1}
    while any(len(found[topic]) < count for topic, count in want.items()):
        message = consumer.poll(30)
        assert message is not None and message.error() is None, (message, {t: len(v) for t, v in found.items()})
        context = SerializationContext(message.topic(), MessageField.VALUE)
        value = reader[message.topic()](message.value(), context)
        if message.topic() == "orders":
            written = plain(message.value(), context)
            assert {**{"note": "none"}, **written} == value, (written, value)
        found[message.topic()].append(value)
    consumer.close()
    assert found["orders"] == [{**order(n), "note": "none"} for n in range(COUNT + 1)] + [
        {**order(COUNT + 1), "note": "new"}]
    assert found["carts"] == [cart(n) for n in range(COUNT)], found["carts"]
    assert found["payments"] == [payment(cls, n) for n in range(COUNT + 1)]
    # The descriptor that the registry keeps is the one that was sent, as far as a program can tell.
    import base64
    registered = client.get_latest_version("payments-value", fmt="serialized").schema
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(registered.schema_str))
    file.name = "shop/payment.proto"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(files()[0])
    pool.Add(file)
    again = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Payment"))
    sent = payment(cls, 7)
    assert again.FromString(sent.SerializeToString()).note == sent.note
    assert [ref.subject for ref in registered.references] == ["shop/money.proto"], registered.references
    return {topic: len(values) for topic, values in found.items()}


def stranger(client, _):
    return {"code": refused(401, client.get_subjects)}


if __name__ == "__main__":
    step, url, token, bootstrap = sys.argv[1:]
    registry = SchemaRegistryClient({"url": url, "basic.auth.user.info": f"service:{token}"})
    print(json.dumps({"write": write, "evolve": evolve, "read": read, "stranger": stranger}[step](registry, bootstrap)))
