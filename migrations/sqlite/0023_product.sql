-- What is offered to others: who wrote a version, plans with all their terms, and where a product can be had.

alter table design_version add column authors text not null default '[]';
update design_version set authors = case
    when created_by <> updated_by and state in ('draft', 'in_review') then json_array(created_by, updated_by)
    else json_array(created_by) end;

create table plan (
    plan_id blob not null primary key,
    design_object_id blob not null references design_object,
    name text not null,
    state text not null,
    number integer not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    updated_by text not null
) strict;

create index plan__product on plan (design_object_id);

-- What a plan said under each of its numbers: a grant keeps the one it was given under.
create table plan_terms (
    plan_id blob not null references plan on delete cascade,
    number integer not null,
    spec text not null,
    primary key (plan_id, number)
) strict;

create table publication (
    publication_id blob not null primary key,
    design_version_id blob not null references design_version,
    places text not null,
    policy_revision integer not null,
    withdrawn_at_ms integer,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    updated_by text not null
) strict;

-- A version is published once at a time.
create unique index publication__version on publication (design_version_id) where withdrawn_at_ms is null;
