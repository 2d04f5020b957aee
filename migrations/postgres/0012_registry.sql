-- The schema registry: what serializers call the schema objects of the design-time catalog, and the ids in their records.

-- What holds for all subjects, and the highest id that was given out.
create table registry_setting (
    environment_id uuid not null primary key references environment,
    level text not null,
    mode text not null,
    last_id bigint not null
);

create table registry_subject (
    registry_subject_id uuid not null primary key,
    environment_id uuid not null references environment,
    name text not null,
    design_object_id uuid references design_object,
    level text,
    mode text,
    last_version bigint not null,
    constraint registry_subject__name unique (environment_id, name),
    constraint registry_subject__design_object_id unique (design_object_id)
);

-- Ids stay when nothing has them any more, so that none ever means something else.
create table registry_schema (
    environment_id uuid not null references environment,
    registry_schema_id bigint not null,
    fingerprint text not null,
    primary key (environment_id, registry_schema_id)
);

create table registry_version (
    registry_subject_id uuid not null references registry_subject,
    version bigint not null,
    registry_schema_id bigint not null,
    design_version_id uuid not null references design_version,
    primary key (registry_subject_id, version),
    constraint registry_version__design_version_id unique (design_version_id)
);
