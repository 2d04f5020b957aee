-- An agent may take the place of one whose machine was lost: it stands for the first agent of that line. A join token for it
-- names the agent that it replaces.

alter table agent add column stands_for blob;
alter table join_token add column replaces blob;
