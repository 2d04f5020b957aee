-- What people were reminded of about requests and grants: how often, and since when it waits or when it ends. It belongs to
-- either of them, and goes when that is over.

create table access_reminder (
    object_id blob not null,
    about text not null,
    since_ms integer not null,
    count integer not null,
    at_ms integer not null,
    primary key (object_id, about)
) strict;
