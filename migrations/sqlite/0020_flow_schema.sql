-- Which schemas the payloads of a flow name by their ids: who still uses which version.
create table flow_schema (
    flow_key blob not null references flow on delete cascade,
    schema_id bigint not null,
    rate_millis bigint not null,
    events bigint not null,
    first_seen_ms bigint not null,
    last_seen_ms bigint not null,
    primary key (flow_key, schema_id)
);
