-- Broker connections that are no Kafka clusters: how they are reached is one value. `bootstrap` keeps host:port of their URL: a portal from before
-- this takes them for clusters, and agents refuse a document with a cluster that has no address.

alter table broker add column kind text not null default 'kafka';
alter table broker add column reached_by text;
