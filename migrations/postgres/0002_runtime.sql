-- What agents saw: rebuilt from their reports, kept so that every page is served from here and never from a live call.

create table runtime_object (
    runtime_object_id uuid not null primary key,
    environment_id uuid not null references environment,
    broker_id uuid not null references broker on delete cascade,
    kind text not null,
    name text not null,
    facts text not null,
    agent_id uuid not null references agent,
    scan bigint not null,
    first_seen_ms bigint not null,
    last_seen_ms bigint not null,
    gone_at_ms bigint,
    constraint runtime_object__name unique (broker_id, kind, name)
);

create table broker_scan (
    broker_id uuid not null primary key references broker on delete cascade,
    agent_id uuid not null references agent,
    scan bigint not null,
    at_ms bigint not null,
    missing_rights text not null,
    failed text
);

-- One row for each edge an agent saw: a client, an address, a direction. `flow_key` is a hash over what makes it one.
create table flow (
    flow_key bytea not null primary key,
    environment_id uuid not null references environment,
    agent_id uuid not null references agent,
    principal_id uuid,
    principal_name text not null,
    client_id text not null,
    protocol text not null,
    direction text not null,
    address text not null,
    example_topic text not null,
    broker_id uuid,
    broker_topic text,
    route_id uuid,
    shape text,
    rate_millis bigint not null,
    events bigint not null,
    bytes bigint not null,
    first_seen_ms bigint not null,
    last_seen_ms bigint not null
);
create index flow_address on flow (environment_id, address);
create index flow_last_seen on flow (last_seen_ms);

-- Events per series and slot of ten seconds; old slots are removed.
create table sample (
    series text not null,
    slot_ms bigint not null,
    events bigint not null,
    primary key (series, slot_ms)
);
create index sample_slot on sample (slot_ms);

-- Counters of an agent turned into rates, with the baseline they are counted from.
create table agent_rate (
    agent_id uuid not null primary key references agent,
    at_ms bigint not null,
    body text not null
);

create table agent_subscription (
    agent_id uuid not null primary key references agent,
    at_ms bigint not null,
    left_out bigint not null,
    body text not null
);

create table denial (
    denial_key bytea not null primary key,
    environment_id uuid not null references environment,
    agent_id uuid not null references agent,
    principal_id uuid,
    principal_name text not null,
    client_id text not null,
    protocol text not null,
    action text not null,
    topic text not null,
    rule_id uuid,
    reason text not null,
    count bigint not null,
    first_ms bigint not null,
    last_ms bigint not null
);
create index denial_last on denial (last_ms);

-- What people say about what agents found. The key is the object's own (see the catalog), so that it outlives a scan.
create table catalog_note (
    environment_id uuid not null references environment,
    object_key text not null,
    owner text not null,
    description text not null,
    revision bigint not null,
    updated_by text not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    primary key (environment_id, object_key)
);
