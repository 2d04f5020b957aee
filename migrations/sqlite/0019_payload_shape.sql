-- What the JSON payloads of an address look like, as an agent saw them. `life_ms` tells the agent's counting apart from the
-- one before it was started anew; what all earlier ones saw is in `earlier`.
create table payload_shape (
    agent_id blob not null references agent,
    address text not null,
    environment_id blob not null references environment,
    life_ms integer not null,
    others integer not null,
    shape text not null,
    earlier_others integer not null,
    earlier text not null,
    first_seen_ms integer not null,
    last_seen_ms integer not null,
    -- When it last became another than it was, not counting counts.
    changed_ms integer not null,
    primary key (agent_id, address)
) strict;
create index payload_shape_address on payload_shape (environment_id, address);
