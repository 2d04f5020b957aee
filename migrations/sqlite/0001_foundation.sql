-- Times are milliseconds since the Unix epoch, ids are UUIDv7, `revision` is the row's own edit counter (a stale one is
-- a conflict). A unique constraint is named <table>__<column> after the field a person would have to change.

create table environment (
    environment_id blob not null primary key,
    name text not null,
    generation integer not null,
    revision integer not null,
    secret_key blob not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint environment__name unique (name)
) strict;

create table policy_revision (
    environment_id blob not null references environment,
    generation integer not null,
    revision integer not null,
    at_ms integer not null,
    actor text not null,
    summary text not null,
    primary key (environment_id, generation, revision)
) strict;

create table setting (
    name text not null primary key,
    value text not null,
    updated_at_ms integer not null
) strict;

create table site (
    site_id blob not null primary key,
    environment_id blob not null references environment,
    name text not null,
    region text not null,
    labels text not null,
    location text,
    fabric_bind text,
    fabric_address text,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint site__name unique (environment_id, name)
) strict;

create table link (
    link_id blob not null primary key,
    environment_id blob not null references environment,
    from_site_id blob not null references site,
    to_site_id blob not null references site,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint link__to_site_id unique (from_site_id, to_site_id)
) strict;

create table agent (
    agent_id blob not null primary key,
    environment_id blob not null references environment,
    site_id blob not null references site,
    name text not null,
    public_key text not null,
    version text not null,
    state text not null,
    certificate_ends_at_ms integer not null,
    fabric_addresses text not null,
    session_id blob,
    presence_since_ms integer not null,
    seen_at_ms integer not null,
    address text,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint agent__public_key unique (public_key),
    constraint agent__name unique (site_id, name)
) strict;

create table join_token (
    join_token_id blob not null primary key,
    secret_hash blob not null,
    site_id blob not null references site,
    created_by text not null,
    created_at_ms integer not null,
    expires_at_ms integer not null,
    used_at_ms integer,
    used_by_key text,
    agent_id blob references agent,
    revoked_at_ms integer,
    constraint join_token__secret_hash unique (secret_hash)
) strict;
create index join_token_site on join_token (site_id);

create table agent_status (
    agent_id blob not null primary key references agent,
    at_ms integer not null,
    applied_generation integer,
    applied_revision integer,
    deny_list integer not null,
    body text not null
) strict;

-- The newest document of each agent, exactly as signed: the same revision must never go out with other bytes.
create table agent_document (
    agent_id blob not null primary key references agent,
    generation integer not null,
    revision integer not null,
    body blob not null,
    signature blob not null,
    key_id text not null,
    created_at_ms integer not null
) strict;

create table deny_entry (
    kind text not null,
    subject_id blob not null,
    number integer not null,
    at_ms integer not null,
    actor text not null,
    primary key (kind, subject_id)
) strict;

create table listener (
    listener_id blob not null primary key,
    site_id blob not null references site,
    name text not null,
    protocol text not null,
    bind text not null,
    payload_bytes_max integer not null,
    connections_max integer not null,
    custody_timeout_ms integer not null,
    denied_v3_publish text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint listener__name unique (site_id, name)
) strict;

create table broker (
    broker_id blob not null primary key,
    environment_id blob not null references environment,
    site_id blob not null references site,
    name text not null,
    bootstrap text not null,
    security text not null,
    discover integer not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint broker__name unique (environment_id, name)
) strict;

create table application (
    application_id blob not null primary key,
    environment_id blob not null references environment,
    name text not null,
    owner text not null,
    description text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint application__name unique (environment_id, name)
) strict;

create table role (
    role_id blob not null primary key,
    environment_id blob not null references environment,
    name text not null,
    description text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint role__name unique (environment_id, name)
) strict;

create table person (
    person_id blob not null primary key,
    username text not null,
    display_name text not null,
    role text not null,
    state text not null,
    password_hash text not null,
    login_at_ms integer,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint person__username unique (username)
) strict;

create table principal (
    principal_id blob not null primary key,
    environment_id blob not null references environment,
    application_id blob references application,
    username text not null,
    kind text not null,
    person_id blob references person on delete set null,
    state text not null,
    expires_at_ms integer,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint principal__username unique (environment_id, username)
) strict;

create table principal_secret (
    principal_secret_id blob not null primary key,
    principal_id blob not null references principal on delete cascade,
    secret_hash blob not null,
    created_at_ms integer not null,
    expires_at_ms integer
) strict;
create index principal_secret_principal on principal_secret (principal_id);

create table principal_role (
    principal_id blob not null references principal on delete cascade,
    role_id blob not null references role,
    primary key (principal_id, role_id)
) strict;
create index principal_role_role on principal_role (role_id);

create table rule (
    rule_id blob not null primary key,
    environment_id blob not null references environment,
    subject_kind text not null,
    subject_id blob,
    action text not null,
    effect text not null,
    dialect text not null,
    filter text not null,
    sites text not null,
    note text not null,
    is_block integer not null,
    since_revision integer not null,
    updated_by text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null
) strict;
create index rule_subject on rule (subject_id);

create table route (
    route_id blob not null primary key,
    environment_id blob not null references environment,
    principal_id blob not null references principal,
    name text not null,
    source text not null,
    sink text not null,
    mode text not null,
    note text not null,
    enabled integer not null,
    generation integer not null,
    since_revision integer not null,
    updated_by text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint route__name unique (environment_id, name)
) strict;

create table session (
    session_hash blob not null primary key,
    person_id blob not null references person on delete cascade,
    created_at_ms integer not null,
    seen_at_ms integer not null,
    expires_at_ms integer not null
) strict;
create index session_person on session (person_id);

create table service_token (
    service_token_id blob not null primary key,
    token_hash blob not null,
    name text not null,
    role text not null,
    created_by text not null,
    created_at_ms integer not null,
    expires_at_ms integer,
    used_at_ms integer,
    constraint service_token__token_hash unique (token_hash)
) strict;

-- One chain: each entry carries the hash of the one before it.
create table audit_head (
    audit_head_id integer not null primary key,
    number integer not null,
    hash blob not null
) strict;
insert into audit_head (audit_head_id, number, hash) values (1, 0, x'');

create table audit_entry (
    number integer not null primary key,
    at_ms integer not null,
    actor text not null,
    action text not null,
    object_kind text not null,
    object_id text not null,
    summary text not null,
    before_json text,
    after_json text,
    policy_revision integer,
    prev_hash blob not null,
    hash blob not null
) strict;
create index audit_entry_object on audit_entry (object_kind, object_id);
