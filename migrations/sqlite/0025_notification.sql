-- What people have to be told, who was told, and who watches what. Notifications are written by the transaction that they
-- tell of. A domain is where it is about a part of the catalog only; none = it is about the mesh as a whole.

create table notification (
    notification_id blob not null primary key,
    environment_id blob not null references environment,
    kind text not null,
    severity text not null,
    title text not null,
    body text not null,
    link text not null,
    object_kind text not null,
    object_id text not null,
    application_domain_id blob,
    at_ms integer not null
) strict;
create index notification__at_ms on notification (environment_id, at_ms);

create table notification_recipient (
    person_id blob not null references person on delete cascade,
    notification_id blob not null references notification on delete cascade,
    read_at_ms integer,
    primary key (person_id, notification_id)
) strict;
create index notification_recipient__notification on notification_recipient (notification_id);
create index notification_recipient__unread on notification_recipient (person_id) where read_at_ms is null;

create table design_watch (
    person_id blob not null references person on delete cascade,
    design_object_id blob not null references design_object on delete cascade,
    since_ms integer not null,
    primary key (person_id, design_object_id)
) strict;
create index design_watch__design_object on design_watch (design_object_id);

-- Agents that people were told are away, until they were told that they are back.
create table agent_absence (
    agent_id blob not null primary key references agent on delete cascade,
    since_ms integer not null
) strict;

-- Endpoints of other systems that are told what people are told; secrets are sealed. Messages wait here until an endpoint
-- took them: whoever leases one sends it.

create table webhook_endpoint (
    webhook_endpoint_id blob not null primary key,
    environment_id blob not null references environment,
    name text not null,
    url text not null,
    kinds text not null,
    private_addresses integer not null,
    enabled integer not null,
    gave_up text not null,
    secret blob not null,
    old_secret blob,
    overlap_until_ms integer,
    failing_since_ms integer,
    updated_by text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint webhook_endpoint__name unique (environment_id, name)
) strict;

create table webhook_delivery (
    webhook_delivery_id blob not null primary key,
    webhook_endpoint_id blob not null references webhook_endpoint on delete cascade,
    kind text not null,
    body text not null,
    state text not null,
    made_at_ms integer not null,
    next_at_ms integer not null,
    leased_until_ms integer not null,
    tries integer not null,
    attempts text not null
) strict;
create index webhook_delivery__endpoint on webhook_delivery (webhook_endpoint_id, webhook_delivery_id);
create index webhook_delivery__due on webhook_delivery (next_at_ms) where state = 'waiting';
create index webhook_delivery__made on webhook_delivery (made_at_ms);

-- Mail: where people get it, what of, how soon; and what is on its way to whom.

alter table person add column email text not null default '';

create table mail_setting (
    person_id blob not null primary key references person on delete cascade,
    pace text not null,
    kinds text not null
) strict;

create table mail_item (
    person_id blob not null references person on delete cascade,
    notification_id blob not null references notification on delete cascade,
    state text not null,
    made_at_ms integer not null,
    due_at_ms integer not null,
    leased_until_ms integer not null,
    tries integer not null,
    trouble text not null,
    primary key (person_id, notification_id)
) strict;
create index mail_item__notification on mail_item (notification_id);
create index mail_item__due on mail_item (due_at_ms) where state = 'waiting';
