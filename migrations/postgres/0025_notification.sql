-- What people have to be told, who was told, and who watches what. Notifications are written by the transaction that they
-- tell of. A domain is where it is about a part of the catalog only; none = it is about the mesh as a whole.

create table notification (
    notification_id uuid not null primary key,
    environment_id uuid not null references environment,
    kind text not null,
    severity text not null,
    title text not null,
    body text not null,
    link text not null,
    object_kind text not null,
    object_id text not null,
    application_domain_id uuid,
    at_ms bigint not null
);
create index notification__at_ms on notification (environment_id, at_ms);

create table notification_recipient (
    person_id uuid not null references person on delete cascade,
    notification_id uuid not null references notification on delete cascade,
    read_at_ms bigint,
    primary key (person_id, notification_id)
);
create index notification_recipient__notification on notification_recipient (notification_id);
create index notification_recipient__unread on notification_recipient (person_id) where read_at_ms is null;

create table design_watch (
    person_id uuid not null references person on delete cascade,
    design_object_id uuid not null references design_object on delete cascade,
    since_ms bigint not null,
    primary key (person_id, design_object_id)
);
create index design_watch__design_object on design_watch (design_object_id);

-- Agents that people were told are away, until they were told that they are back.
create table agent_absence (
    agent_id uuid not null primary key references agent on delete cascade,
    since_ms bigint not null
);

-- Endpoints of other systems that are told what people are told; secrets are sealed. Messages wait here until an endpoint
-- took them: whoever leases one sends it.

create table webhook_endpoint (
    webhook_endpoint_id uuid not null primary key,
    environment_id uuid not null references environment,
    name text not null,
    url text not null,
    kinds jsonb not null,
    private_addresses boolean not null,
    enabled boolean not null,
    gave_up text not null,
    secret bytea not null,
    old_secret bytea,
    overlap_until_ms bigint,
    failing_since_ms bigint,
    updated_by text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint webhook_endpoint__name unique (environment_id, name)
);

create table webhook_delivery (
    webhook_delivery_id uuid not null primary key,
    webhook_endpoint_id uuid not null references webhook_endpoint on delete cascade,
    kind text not null,
    body text not null,
    state text not null,
    made_at_ms bigint not null,
    next_at_ms bigint not null,
    leased_until_ms bigint not null,
    tries bigint not null,
    attempts jsonb not null
);
create index webhook_delivery__endpoint on webhook_delivery (webhook_endpoint_id, webhook_delivery_id);
create index webhook_delivery__due on webhook_delivery (next_at_ms) where state = 'waiting';
create index webhook_delivery__made on webhook_delivery (made_at_ms);

-- Mail: where people get it, what of, how soon; and what is on its way to whom.

alter table person add column email text not null default '';

create table mail_setting (
    person_id uuid not null primary key references person on delete cascade,
    pace text not null,
    kinds jsonb not null
);

create table mail_item (
    person_id uuid not null references person on delete cascade,
    notification_id uuid not null references notification on delete cascade,
    state text not null,
    made_at_ms bigint not null,
    due_at_ms bigint not null,
    leased_until_ms bigint not null,
    tries bigint not null,
    trouble text not null,
    primary key (person_id, notification_id)
);
create index mail_item__notification on mail_item (notification_id);
create index mail_item__due on mail_item (due_at_ms) where state = 'waiting';
