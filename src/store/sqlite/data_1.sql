-- vault.db, format 1. Times are milliseconds and days since the Unix epoch; words are the numbers in `domain::codes`.
-- Record bodies lie in order of arrival; nothing is indexed per record but its place (conversation, sequence).

CREATE TABLE migrations (version INTEGER PRIMARY KEY, program TEXT NOT NULL) STRICT;

CREATE TABLE tenants (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    state       INTEGER NOT NULL,
    create_time INTEGER NOT NULL
) STRICT;

CREATE TABLE policies (
    tenant      INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    document    TEXT    NOT NULL,
    PRIMARY KEY (tenant, kind, version)
) STRICT;

CREATE TABLE conversations (
    id               INTEGER PRIMARY KEY,
    tenant           INTEGER NOT NULL,
    uuid             BLOB    NOT NULL UNIQUE,
    state            INTEGER NOT NULL,
    create_time      INTEGER NOT NULL,
    last_record_time INTEGER NOT NULL,
    next_sequence    INTEGER NOT NULL,
    expired_through  INTEGER NOT NULL,
    last_day         INTEGER NOT NULL,
    meta_version     INTEGER NOT NULL,
    bot              TEXT    NOT NULL,
    channel          TEXT,
    labels           TEXT    NOT NULL, -- JSON array
    finding_classes  TEXT    NOT NULL, -- JSON array
    sealed_meta      BLOB    NOT NULL
) STRICT;

-- Newest first; expired conversations (state 3) are in no listing.
CREATE INDEX conversations_by_time ON conversations (tenant, create_time, uuid) WHERE state <> 3;

-- What conversations are looked up by, newest first within each term. kind: 1 bot, 2 channel, 3 label, 4 finding class.
CREATE TABLE conversation_terms (
    tenant       INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    term         TEXT    NOT NULL,
    create_time  INTEGER NOT NULL,
    uuid         BLOB    NOT NULL,
    PRIMARY KEY (tenant, kind, term, create_time, uuid)
) STRICT, WITHOUT ROWID;

-- Sealed records in order of arrival, with what stands beside them in clear.
CREATE TABLE bodies (
    id             INTEGER PRIMARY KEY,
    received_at    INTEGER NOT NULL,
    author_role    INTEGER NOT NULL,
    kind           INTEGER NOT NULL,
    policy_version INTEGER NOT NULL,
    size_class     INTEGER NOT NULL,
    sealed         BLOB    NOT NULL
) STRICT;

-- Where a record's body is. The segment key is here so that an expiry need not visit the bodies of what it keeps.
CREATE TABLE records (
    conversation INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    body         INTEGER NOT NULL,
    dek_id       INTEGER NOT NULL,
    PRIMARY KEY (conversation, sequence)
) STRICT, WITHOUT ROWID;

-- In order of arrival, so that the old end is swept as one range. `prefix` is the first 8 bytes of the key.
CREATE TABLE requests (
    id           INTEGER PRIMARY KEY,
    prefix       INTEGER NOT NULL,
    key          BLOB    NOT NULL,
    body         BLOB    NOT NULL,
    answer       BLOB    NOT NULL,
    conversation BLOB,
    at           INTEGER NOT NULL
) STRICT;
CREATE INDEX requests_by_prefix ON requests (prefix);
CREATE INDEX requests_by_conversation ON requests (conversation) WHERE conversation IS NOT NULL;

CREATE TABLE streams (
    key             BLOB    PRIMARY KEY,
    conversation    BLOB    NOT NULL,
    client_sequence INTEGER NOT NULL,
    last_sequence   INTEGER NOT NULL,
    at              INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX streams_by_conversation ON streams (conversation);

CREATE TABLE key_acts (
    id        BLOB    PRIMARY KEY,
    log       TEXT    NOT NULL,
    operation TEXT    NOT NULL,
    detail    TEXT    NOT NULL,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE open_reads (
    id         BLOB    PRIMARY KEY,
    log        TEXT    NOT NULL,
    object     TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    actor_role TEXT    NOT NULL,
    at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row, written to find out whether anything can be.
CREATE TABLE heartbeat (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL) STRICT;

-- name: `system` or `tenants/{tenant}`.
CREATE TABLE audit_logs (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL UNIQUE,
    frontier BLOB    NOT NULL
) STRICT;

-- id = log * 2^40 + index: each log is one run of the table, and there is no second tree to keep.
CREATE TABLE audit_entries (
    id          INTEGER PRIMARY KEY,
    canonical   BLOB NOT NULL,
    commitments BLOB NOT NULL, -- 32 bytes each
    leaf        BLOB NOT NULL
) STRICT;

-- The newest signed checkpoint of each log.
CREATE TABLE checkpoints (
    log  TEXT    PRIMARY KEY,
    size INTEGER NOT NULL,
    note TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    frontier BLOB NOT NULL -- the tree's right edge at that size, so that a check can go on from here
) STRICT, WITHOUT ROWID;
