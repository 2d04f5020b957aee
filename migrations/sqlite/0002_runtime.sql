-- What agents saw: rebuilt from their reports, kept so that every page is served from here and never from a live call.

create table runtime_object (
    runtime_object_id blob not null primary key,
    environment_id blob not null references environment,
    broker_id blob not null references broker on delete cascade,
    kind text not null,
    name text not null,
    facts text not null,
    agent_id blob not null references agent,
    scan integer not null,
    first_seen_ms integer not null,
    last_seen_ms integer not null,
    gone_at_ms integer,
    constraint runtime_object__name unique (broker_id, kind, name)
) strict;

create table broker_scan (
    broker_id blob not null primary key references broker on delete cascade,
    agent_id blob not null references agent,
    scan integer not null,
    at_ms integer not null,
    missing_rights text not null,
    failed text
) strict;

-- One row for each edge an agent saw: a client, an address, a direction. `flow_key` is a hash over what makes it one.
create table flow (
    flow_key blob not null primary key,
    environment_id blob not null references environment,
    agent_id blob not null references agent,
    principal_id blob,
    principal_name text not null,
    client_id text not null,
    protocol text not null,
    direction text not null,
    address text not null,
    example_topic text not null,
    broker_id blob,
    broker_topic text,
    route_id blob,
    shape text,
    rate_millis integer not null,
    events integer not null,
    bytes integer not null,
    first_seen_ms integer not null,
    last_seen_ms integer not null
) strict;
create index flow_address on flow (environment_id, address);
create index flow_last_seen on flow (last_seen_ms);

-- Events per series and slot of ten seconds; old slots are removed.
create table sample (
    series text not null,
    slot_ms integer not null,
    events integer not null,
    primary key (series, slot_ms)
) strict;
create index sample_slot on sample (slot_ms);

-- Counters of an agent turned into rates, with the baseline they are counted from.
create table agent_rate (
    agent_id blob not null primary key references agent,
    at_ms integer not null,
    body text not null
) strict;

create table agent_subscription (
    agent_id blob not null primary key references agent,
    at_ms integer not null,
    left_out integer not null,
    body text not null
) strict;

create table denial (
    denial_key blob not null primary key,
    environment_id blob not null references environment,
    agent_id blob not null references agent,
    principal_id blob,
    principal_name text not null,
    client_id text not null,
    protocol text not null,
    action text not null,
    topic text not null,
    rule_id blob,
    reason text not null,
    count integer not null,
    first_ms integer not null,
    last_ms integer not null
) strict;
create index denial_last on denial (last_ms);

-- What people say about what agents found. The key is the object's own (see the catalog), so that it outlives a scan.
create table catalog_note (
    environment_id blob not null references environment,
    object_key text not null,
    owner text not null,
    description text not null,
    revision integer not null,
    updated_by text not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    primary key (environment_id, object_key)
) strict;
