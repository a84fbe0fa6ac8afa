-- vault.db, format 2. Idle streams are found by their time, so that forgetting them is a bounded step.

CREATE INDEX streams_by_time ON streams (at);
