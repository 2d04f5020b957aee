-- Scopes: topics that stay inside sites or regions.

create table scope (
    scope_id blob not null primary key,
    environment_id blob not null references environment,
    name text not null,
    dialect text not null,
    filter text not null,
    sites text not null,
    regions text not null,
    note text not null,
    since_revision integer not null,
    updated_by text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint scope__name unique (environment_id, name)
) strict;
