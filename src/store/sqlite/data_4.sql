-- vault.db, format 4. How often segments of a conversation were sealed anew under another key: an append that was sealed
-- before the last time is refused, for the key it is under may be about to go.

ALTER TABLE conversations ADD COLUMN reseals INTEGER NOT NULL DEFAULT 0;
