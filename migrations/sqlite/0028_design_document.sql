-- The AsyncAPI document that a version was imported from, with all that the catalog does not model. A text, because the
-- order of its author matters.

create table design_document (
    design_version_id blob not null primary key references design_version on delete cascade,
    document text not null
) strict;
