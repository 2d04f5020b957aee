-- What happens to payloads that match no live version of an event, and how payloads kept to it.

alter table design_object add column validation text not null default 'unchecked';

-- How many were checked, and how many of them were invalid, in slots of some minutes.
create table contract_count (
    design_object_id uuid not null,
    agent_id uuid not null references agent,
    slot_ms bigint not null,
    checked bigint not null,
    invalid bigint not null,
    primary key (design_object_id, agent_id, slot_ms)
);
create index contract_count_slot on contract_count (slot_ms);

-- Who sent invalid ones and what was wrong, a row for a run. No value of a payload is kept.
create table contract_breach (
    breach_key bytea not null primary key,
    design_object_id uuid not null,
    agent_id uuid not null references agent,
    principal_id uuid not null,
    principal_name text not null,
    client_id text not null,
    protocol text not null,
    topic text not null,
    label text not null,
    path text not null,
    reason text not null,
    rejected boolean not null,
    count bigint not null,
    first_ms bigint not null,
    last_ms bigint not null
);
create index contract_breach_event on contract_breach (design_object_id, last_ms);
create index contract_breach_last on contract_breach (last_ms);
