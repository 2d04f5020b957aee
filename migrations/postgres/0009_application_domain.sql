-- Application domains: which addresses and Kafka topics belong together, and who answers for them.

create table application_domain (
    application_domain_id uuid not null primary key,
    environment_id uuid not null references environment,
    parent_id uuid references application_domain,
    name text not null,
    topics jsonb not null,
    kafka_topics jsonb not null,
    owner text not null,
    description text not null,
    updated_by text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint application_domain__name unique (environment_id, name)
);
