-- How many findings there were between what is designed and what was seen, once an hour, for the trend.

create table drift_count (
    environment_id uuid not null references environment,
    hour_ms bigint not null,
    partial bigint not null,
    design_only bigint not null,
    runtime_only bigint not null,
    matching bigint not null,
    ignored bigint not null,
    primary key (environment_id, hour_ms)
);
