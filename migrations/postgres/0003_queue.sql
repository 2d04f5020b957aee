-- Named queues: durable places at a site that attract topics and keep events until they are acknowledged.

create table queue (
    queue_id uuid not null primary key,
    environment_id uuid not null references environment,
    site_id uuid not null references site,
    name text not null,
    filters jsonb not null,
    exceptions jsonb not null,
    settings jsonb not null,
    paused boolean not null,
    note text not null,
    since_revision bigint not null,
    updated_by text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint queue__name unique (environment_id, name)
);
