-- Broker connections that are no Kafka clusters: how they are reached is one value. `bootstrap` keeps host:port of their URL: a portal from before
-- this takes them for clusters, and agents refuse a document with a cluster that has no address.

alter table broker add column kind text not null default 'kafka';
alter table broker add column reached_by jsonb;

-- What was found is read as JSON, which a text is not here: a portal could not read what it had stored.

alter table runtime_object alter column facts type jsonb using facts::jsonb;
alter table broker_scan alter column missing_rights type jsonb using missing_rights::jsonb;
