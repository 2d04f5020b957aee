-- What the JSON payloads of an address look like, as an agent saw them. `life_ms` tells the agent's counting apart from the
-- one before it was started anew; what all earlier ones saw is in `earlier`.
create table payload_shape (
    agent_id uuid not null references agent,
    address text not null,
    environment_id uuid not null references environment,
    life_ms bigint not null,
    others bigint not null,
    shape jsonb not null,
    earlier_others bigint not null,
    earlier jsonb not null,
    first_seen_ms bigint not null,
    last_seen_ms bigint not null,
    -- When it last became another than it was, not counting counts.
    changed_ms bigint not null,
    primary key (agent_id, address)
);
create index payload_shape_address on payload_shape (environment_id, address);
