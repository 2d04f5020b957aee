-- Users of Kafka clusters that grants are used by, with their salted passwords, sealed.

create table kafka_credential (
    kafka_credential_id blob not null primary key,
    environment_id blob not null references environment,
    access_grant_id blob not null references access_grant,
    broker_id blob not null references broker on delete cascade,
    username text not null,
    sealed blob not null,
    expires_at_ms integer,
    removed_at_ms integer,
    revision integer not null,
    created_at_ms integer not null,
    created_by text not null,
    constraint kafka_credential__username unique (environment_id, username)
) strict;

create index kafka_credential__grant on kafka_credential (access_grant_id);
create index kafka_credential__broker on kafka_credential (broker_id);
