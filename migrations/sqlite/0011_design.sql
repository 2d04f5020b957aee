-- The design-time catalog: events, schemas and applications, each in numbered versions.

create table design_object (
    design_object_id blob not null primary key,
    environment_id blob not null references environment,
    kind text not null,
    application_domain_id blob not null references application_domain,
    name text not null,
    owner text not null,
    people text not null,
    tags text not null,
    attributes text not null,
    document text not null,
    sharing text not null,
    revision integer not null,
    created_at_ms integer not null,
    created_by text not null,
    updated_at_ms integer not null,
    updated_by text not null,
    constraint design_object__name unique (application_domain_id, kind, name)
) strict;

create table design_version (
    design_version_id blob not null primary key,
    design_object_id blob not null references design_object,
    number text not null,
    state text not null,
    state_reason text not null,
    description text not null,
    content text not null,
    end_of_life_at_ms integer,
    replacement_id blob references design_version,
    revision integer not null,
    created_at_ms integer not null,
    created_by text not null,
    updated_at_ms integer not null,
    updated_by text not null,
    constraint design_version__number unique (design_object_id, number)
) strict;

-- What a version refers to: nobody removes what another one is built on.
create table design_reference (
    design_version_id blob not null references design_version,
    refers_to_id blob not null references design_version,
    primary key (design_version_id, refers_to_id)
) strict;

create index design_reference__refers_to on design_reference (refers_to_id);

-- Whether anything of one kind changed since a reader looked.
create index audit_entry_kind on audit_entry (object_kind, number);
