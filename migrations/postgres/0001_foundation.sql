-- Times are milliseconds since the Unix epoch, ids are UUIDv7, `revision` is the row's own edit counter (a stale one is
-- a conflict). A unique constraint is named <table>__<column> after the field a person would have to change.

create table environment (
    environment_id uuid not null primary key,
    name text not null,
    generation bigint not null,
    revision bigint not null,
    secret_key bytea not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint environment__name unique (name)
);

create table policy_revision (
    environment_id uuid not null references environment,
    generation bigint not null,
    revision bigint not null,
    at_ms bigint not null,
    actor text not null,
    summary text not null,
    primary key (environment_id, generation, revision)
);

create table setting (
    name text not null primary key,
    value text not null,
    updated_at_ms bigint not null
);

create table site (
    site_id uuid not null primary key,
    environment_id uuid not null references environment,
    name text not null,
    region text not null,
    labels jsonb not null,
    location jsonb,
    fabric_bind text,
    fabric_address text,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint site__name unique (environment_id, name)
);

create table link (
    link_id uuid not null primary key,
    environment_id uuid not null references environment,
    from_site_id uuid not null references site,
    to_site_id uuid not null references site,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint link__to_site_id unique (from_site_id, to_site_id)
);

create table agent (
    agent_id uuid not null primary key,
    environment_id uuid not null references environment,
    site_id uuid not null references site,
    name text not null,
    public_key text not null,
    version text not null,
    state text not null,
    certificate_ends_at_ms bigint not null,
    fabric_addresses jsonb not null,
    session_id uuid,
    presence_since_ms bigint not null,
    seen_at_ms bigint not null,
    address text,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint agent__public_key unique (public_key),
    constraint agent__name unique (site_id, name)
);

create table join_token (
    join_token_id uuid not null primary key,
    secret_hash bytea not null,
    site_id uuid not null references site,
    created_by text not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    used_at_ms bigint,
    used_by_key text,
    agent_id uuid references agent,
    revoked_at_ms bigint,
    constraint join_token__secret_hash unique (secret_hash)
);
create index join_token_site on join_token (site_id);

create table agent_status (
    agent_id uuid not null primary key references agent,
    at_ms bigint not null,
    applied_generation bigint,
    applied_revision bigint,
    deny_list bigint not null,
    body jsonb not null
);

-- The newest document of each agent, exactly as signed: the same revision must never go out with other bytes.
create table agent_document (
    agent_id uuid not null primary key references agent,
    generation bigint not null,
    revision bigint not null,
    body bytea not null,
    signature bytea not null,
    key_id text not null,
    created_at_ms bigint not null
);

create table deny_entry (
    kind text not null,
    subject_id uuid not null,
    number bigint not null,
    at_ms bigint not null,
    actor text not null,
    primary key (kind, subject_id)
);

create table listener (
    listener_id uuid not null primary key,
    site_id uuid not null references site,
    name text not null,
    protocol text not null,
    bind text not null,
    payload_bytes_max bigint not null,
    connections_max bigint not null,
    custody_timeout_ms bigint not null,
    denied_v3_publish text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint listener__name unique (site_id, name)
);

create table broker (
    broker_id uuid not null primary key,
    environment_id uuid not null references environment,
    site_id uuid not null references site,
    name text not null,
    bootstrap jsonb not null,
    security jsonb not null,
    discover boolean not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint broker__name unique (environment_id, name)
);

create table application (
    application_id uuid not null primary key,
    environment_id uuid not null references environment,
    name text not null,
    owner text not null,
    description text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint application__name unique (environment_id, name)
);

create table role (
    role_id uuid not null primary key,
    environment_id uuid not null references environment,
    name text not null,
    description text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint role__name unique (environment_id, name)
);

create table person (
    person_id uuid not null primary key,
    username text not null,
    display_name text not null,
    role text not null,
    state text not null,
    password_hash text not null,
    login_at_ms bigint,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint person__username unique (username)
);

create table principal (
    principal_id uuid not null primary key,
    environment_id uuid not null references environment,
    application_id uuid references application,
    username text not null,
    kind text not null,
    person_id uuid references person on delete set null,
    state text not null,
    expires_at_ms bigint,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint principal__username unique (environment_id, username)
);

create table principal_secret (
    principal_secret_id uuid not null primary key,
    principal_id uuid not null references principal on delete cascade,
    secret_hash bytea not null,
    created_at_ms bigint not null,
    expires_at_ms bigint
);
create index principal_secret_principal on principal_secret (principal_id);

create table principal_role (
    principal_id uuid not null references principal on delete cascade,
    role_id uuid not null references role,
    primary key (principal_id, role_id)
);
create index principal_role_role on principal_role (role_id);

create table rule (
    rule_id uuid not null primary key,
    environment_id uuid not null references environment,
    subject_kind text not null,
    subject_id uuid,
    action text not null,
    effect text not null,
    dialect text not null,
    filter text not null,
    sites jsonb not null,
    note text not null,
    is_block boolean not null,
    since_revision bigint not null,
    updated_by text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);
create index rule_subject on rule (subject_id);

create table route (
    route_id uuid not null primary key,
    environment_id uuid not null references environment,
    principal_id uuid not null references principal,
    name text not null,
    source jsonb not null,
    sink jsonb not null,
    mode text not null,
    note text not null,
    enabled boolean not null,
    generation bigint not null,
    since_revision bigint not null,
    updated_by text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint route__name unique (environment_id, name)
);

create table session (
    session_hash bytea not null primary key,
    person_id uuid not null references person on delete cascade,
    created_at_ms bigint not null,
    seen_at_ms bigint not null,
    expires_at_ms bigint not null
);
create index session_person on session (person_id);

create table service_token (
    service_token_id uuid not null primary key,
    token_hash bytea not null,
    name text not null,
    role text not null,
    created_by text not null,
    created_at_ms bigint not null,
    expires_at_ms bigint,
    used_at_ms bigint,
    constraint service_token__token_hash unique (token_hash)
);

-- One chain: each entry carries the hash of the one before it.
create table audit_head (
    audit_head_id bigint not null primary key,
    number bigint not null,
    hash bytea not null
);
insert into audit_head (audit_head_id, number, hash) values (1, 0, '\x');

create table audit_entry (
    number bigint not null primary key,
    at_ms bigint not null,
    actor text not null,
    action text not null,
    object_kind text not null,
    object_id text not null,
    summary text not null,
    before_json text,
    after_json text,
    policy_revision bigint,
    prev_hash bytea not null,
    hash bytea not null
);
create index audit_entry_object on audit_entry (object_kind, object_id);
