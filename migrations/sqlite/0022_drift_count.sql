-- How many findings there were between what is designed and what was seen, once an hour, for the trend.

create table drift_count (
    environment_id blob not null references environment,
    hour_ms integer not null,
    partial integer not null,
    design_only integer not null,
    runtime_only integer not null,
    matching integer not null,
    ignored integer not null,
    primary key (environment_id, hour_ms)
) strict;
