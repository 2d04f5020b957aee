-- What is offered to others: who wrote a version, plans with all their terms, and where a product can be had.

alter table design_version add column authors jsonb not null default '[]';
update design_version set authors = case
    when created_by <> updated_by and state in ('draft', 'in_review') then jsonb_build_array(created_by, updated_by)
    else jsonb_build_array(created_by) end;

create table plan (
    plan_id uuid not null primary key,
    design_object_id uuid not null references design_object,
    name text not null,
    state text not null,
    number bigint not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    updated_by text not null
);

create index plan__product on plan (design_object_id);

-- What a plan said under each of its numbers: a grant keeps the one it was given under.
create table plan_terms (
    plan_id uuid not null references plan on delete cascade,
    number bigint not null,
    spec jsonb not null,
    primary key (plan_id, number)
);

create table publication (
    publication_id uuid not null primary key,
    design_version_id uuid not null references design_version,
    places jsonb not null,
    policy_revision bigint not null,
    withdrawn_at_ms bigint,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    updated_by text not null
);

-- A version is published once at a time.
create unique index publication__version on publication (design_version_id) where withdrawn_at_ms is null;
