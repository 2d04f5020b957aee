-- Who asked for access and what was said to it, and the grants that came of it.

create table access_request (
    access_request_id blob not null primary key,
    environment_id blob not null references environment,
    application_id blob not null references application,
    design_object_id blob not null references design_object,
    design_version_id blob not null references design_version,
    plan_id blob references plan,
    plan_number integer,
    purpose text not null,
    until_ms integer,
    people integer not null,
    state text not null,
    decider text,
    steps text not null,
    revision integer not null,
    created_at_ms integer not null,
    created_by text not null,
    updated_at_ms integer not null
) strict;

create index access_request__state on access_request (environment_id, state);
create index access_request__application on access_request (application_id);

create table access_grant (
    access_grant_id blob not null primary key,
    environment_id blob not null references environment,
    access_request_id blob not null references access_request,
    application_id blob not null references application,
    design_object_id blob not null references design_object,
    design_version_id blob not null references design_version,
    plan_id blob references plan,
    plan_number integer,
    terms text not null,
    until_ms integer,
    state text not null,
    reason text not null,
    policy_revision integer not null,
    confirmed_at_ms integer,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    updated_by text not null
) strict;

create index access_grant__state on access_grant (environment_id, state);
create index access_grant__application on access_grant (application_id);

-- An application has a thing once at a time.
create unique index access_grant__once on access_grant (application_id, design_object_id)
    where state in ('active', 'suspended');
