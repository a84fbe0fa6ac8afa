-- keys.db, format 1. Keys are wrapped; `check_value` recognises a key and stays when the key is gone.
-- Times are milliseconds and days since the Unix epoch; words are the numbers in `domain::codes`.

CREATE TABLE migrations (version INTEGER PRIMARY KEY, program TEXT NOT NULL) STRICT;

CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE epochs (
    epoch       INTEGER PRIMARY KEY,
    state       INTEGER NOT NULL,
    check_value BLOB    NOT NULL,
    create_time INTEGER NOT NULL
) STRICT;

CREATE TABLE root_slots (
    epoch   INTEGER NOT NULL,
    slot    INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    params  TEXT    NOT NULL,
    wrapped BLOB    NOT NULL,
    PRIMARY KEY (epoch, slot)
) STRICT;

CREATE TABLE log_keys (
    version INTEGER PRIMARY KEY,
    epoch   INTEGER NOT NULL,
    wrapped BLOB    NOT NULL,
    public  BLOB    NOT NULL
) STRICT;

CREATE TABLE tenant_keks (
    tenant      TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    wrapped     BLOB,
    check_value BLOB    NOT NULL,
    create_time INTEGER NOT NULL,
    PRIMARY KEY (tenant, version)
) STRICT;

CREATE TABLE tenant_keys (
    tenant      TEXT    NOT NULL,
    kind        INTEGER NOT NULL,
    kek_version INTEGER NOT NULL,
    wrapped     BLOB    NOT NULL,
    PRIMARY KEY (tenant, kind)
) STRICT;

-- The wraps of bucket keys, apart from everything else: rows are added at the end only, all have one length, are
-- overwritten in place (destroyed: zeros) and are never deleted or moved. That a destroyed wrap is gone then does not hang
-- on what SQLite does with the free space of a page.
CREATE TABLE bucket_wraps (
    id      INTEGER PRIMARY KEY,
    wrapped BLOB    NOT NULL
) STRICT;

-- kind: 1 day, 2 hold, 3 locked; `day` is 0 unless kind is 1. A destroyed bucket keeps its row, with `live` 0.
-- `swept` is 1 when no segment of a destroyed bucket is left.
CREATE TABLE buckets (
    id          INTEGER PRIMARY KEY,
    tenant      TEXT    NOT NULL,
    kind        INTEGER NOT NULL,
    day         INTEGER NOT NULL,
    kek_version INTEGER NOT NULL,
    live        INTEGER NOT NULL,
    swept       INTEGER NOT NULL,
    check_value BLOB    NOT NULL,
    wrap        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX buckets_live ON buckets (tenant, kind, day) WHERE live = 1;
CREATE INDEX buckets_due ON buckets (day, id) WHERE live = 1 AND kind = 1;
CREATE INDEX buckets_unswept ON buckets (id) WHERE live = 0 AND swept = 0;

CREATE TABLE segments (
    conversation BLOB    NOT NULL,
    dek_id       INTEGER NOT NULL,
    bucket       INTEGER NOT NULL,
    wrapped      BLOB    NOT NULL,
    PRIMARY KEY (conversation, dek_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX segments_by_bucket ON segments (bucket);

CREATE TABLE conversation_keys (
    conversation BLOB    PRIMARY KEY,
    bucket       INTEGER NOT NULL,
    wrapped      BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- kind: 1 client reference, 2 subject.
CREATE TABLE handles (
    tenant       TEXT    NOT NULL,
    kind         INTEGER NOT NULL,
    handle       BLOB    NOT NULL,
    conversation BLOB    NOT NULL,
    PRIMARY KEY (tenant, kind, handle, conversation)
) STRICT, WITHOUT ROWID;
CREATE INDEX handles_by_conversation ON handles (conversation);

CREATE TABLE act_marks (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE principals (
    name      TEXT PRIMARY KEY,
    pseudonym TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id          TEXT    PRIMARY KEY,
    hash        BLOB    NOT NULL,
    principal   TEXT    NOT NULL,
    role        INTEGER NOT NULL,
    tenant      TEXT,
    bots        TEXT    NOT NULL, -- JSON array
    create_time INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,
    revoke_time INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_by_principal ON api_keys (principal, role);

-- The newest signed checkpoint of each log, so that an older vault.db is seen.
CREATE TABLE checkpoints (
    log  TEXT    PRIMARY KEY,
    size INTEGER NOT NULL,
    note TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    frontier BLOB NOT NULL -- the tree's right edge at that size, so that a check can go on from here
) STRICT, WITHOUT ROWID;
