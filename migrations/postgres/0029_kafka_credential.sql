-- Users of Kafka clusters that grants are used by, with their salted passwords, sealed.

create table kafka_credential (
    kafka_credential_id uuid not null primary key,
    environment_id uuid not null references environment,
    access_grant_id uuid not null references access_grant,
    broker_id uuid not null references broker on delete cascade,
    username text not null,
    sealed bytea not null,
    expires_at_ms bigint,
    removed_at_ms bigint,
    revision bigint not null,
    created_at_ms bigint not null,
    created_by text not null,
    constraint kafka_credential__username unique (environment_id, username)
);

create index kafka_credential__grant on kafka_credential (access_grant_id);
create index kafka_credential__broker on kafka_credential (broker_id);
