-- vault.db, format 3. What redaction remembers of a conversation, sealed, and the record after which it did so; empty when there is nothing.

ALTER TABLE conversations ADD COLUMN dialogue BLOB NOT NULL DEFAULT x'';
ALTER TABLE conversations ADD COLUMN dialogue_sequence INTEGER NOT NULL DEFAULT 0;
