-- What was used of grants. An agent tells totals of each hour, which only grow: a report that comes twice changes nothing.
-- A day's totals are worked out of its hours for as long as those are kept, and stay when they go.

create table usage_hour (
    environment_id uuid not null references environment,
    grant_id uuid not null,
    direction text not null,
    hour_ms bigint not null,
    agent_id uuid not null,
    meter text not null,
    events bigint not null,
    bytes bigint not null,
    refused_events bigint not null,
    primary key (environment_id, grant_id, direction, hour_ms, agent_id, meter)
);

create index usage_hour_hour_ms on usage_hour (environment_id, hour_ms);

create table usage_day (
    environment_id uuid not null references environment,
    grant_id uuid not null,
    direction text not null,
    day_ms bigint not null,
    agent_id uuid not null,
    meter text not null,
    events bigint not null,
    bytes bigint not null,
    refused_events bigint not null,
    primary key (environment_id, grant_id, direction, day_ms, agent_id, meter)
);

create index usage_day_day_ms on usage_day (environment_id, day_ms);
