-- Application domains: which addresses and Kafka topics belong together, and who answers for them.

create table application_domain (
    application_domain_id blob not null primary key,
    environment_id blob not null references environment,
    parent_id blob references application_domain,
    name text not null,
    topics text not null,
    kafka_topics text not null,
    owner text not null,
    description text not null,
    updated_by text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint application_domain__name unique (environment_id, name)
) strict;
