-- Who asked for access and what was said to it, and the grants that came of it.

create table access_request (
    access_request_id uuid not null primary key,
    environment_id uuid not null references environment,
    application_id uuid not null references application,
    design_object_id uuid not null references design_object,
    design_version_id uuid not null references design_version,
    plan_id uuid references plan,
    plan_number bigint,
    purpose text not null,
    until_ms bigint,
    people bigint not null,
    state text not null,
    decider text,
    steps jsonb not null,
    revision bigint not null,
    created_at_ms bigint not null,
    created_by text not null,
    updated_at_ms bigint not null
);

create index access_request__state on access_request (environment_id, state);
create index access_request__application on access_request (application_id);

create table access_grant (
    access_grant_id uuid not null primary key,
    environment_id uuid not null references environment,
    access_request_id uuid not null references access_request,
    application_id uuid not null references application,
    design_object_id uuid not null references design_object,
    design_version_id uuid not null references design_version,
    plan_id uuid references plan,
    plan_number bigint,
    terms jsonb not null,
    until_ms bigint,
    state text not null,
    reason text not null,
    policy_revision bigint not null,
    confirmed_at_ms bigint,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    updated_by text not null
);

create index access_grant__state on access_grant (environment_id, state);
create index access_grant__application on access_grant (application_id);

-- An application has a thing once at a time.
create unique index access_grant__once on access_grant (application_id, design_object_id)
    where state in ('active', 'suspended');
