-- Scopes: topics that stay inside sites or regions.

create table scope (
    scope_id uuid not null primary key,
    environment_id uuid not null references environment,
    name text not null,
    dialect text not null,
    filter text not null,
    sites jsonb not null,
    regions jsonb not null,
    note text not null,
    since_revision bigint not null,
    updated_by text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint scope__name unique (environment_id, name)
);
