-- The roles that client certificates of a principal carried, each until its last certificate runs out, so that separation of
-- duty holds between certificates and API keys. Outdated rows are no matter.
CREATE TABLE certificate_roles (
    principal   TEXT    NOT NULL,
    role        INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,
    PRIMARY KEY (principal, role)
) STRICT, WITHOUT ROWID;
