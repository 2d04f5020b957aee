-- Named queues: durable places at a site that attract topics and keep events until they are acknowledged.

create table queue (
    queue_id blob not null primary key,
    environment_id blob not null references environment,
    site_id blob not null references site,
    name text not null,
    filters text not null,
    exceptions text not null,
    settings text not null,
    paused integer not null,
    note text not null,
    since_revision integer not null,
    updated_by text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint queue__name unique (environment_id, name)
) strict;
