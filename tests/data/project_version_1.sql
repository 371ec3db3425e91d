-- A project file as version 1 of its layout has it: two raters, one of them after an undo.
BEGIN;
CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    path TEXT,
    first_opened_utc TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE TABLE label_events (
    id INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    side TEXT NOT NULL CHECK (side IN ('L', 'R')),
    structure TEXT NOT NULL DEFAULT 'maxillary sinus',
    label TEXT CHECK (label IN ('normal', 'anomalous', 'uncertain')),
    undoes INTEGER REFERENCES label_events (id),
    rater TEXT NOT NULL,
    session TEXT NOT NULL,
    ai_seen INTEGER NOT NULL CHECK (ai_seen IN (0, 1)),
    ai_score REAL,
    model_sha256 TEXT,
    version TEXT NOT NULL,
    time_utc TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX label_events_of_case ON label_events (case_id, side, rater, id);
CREATE VIEW current_labels AS
    SELECT * FROM label_events AS e
    WHERE id = (SELECT max(id) FROM label_events WHERE case_id = e.case_id AND side = e.side AND rater = e.rater);
CREATE TRIGGER label_events_stay BEFORE UPDATE ON label_events
    BEGIN SELECT raise(ABORT, 'label events are never edited'); END;
CREATE TRIGGER label_events_remain BEFORE DELETE ON label_events
    BEGIN SELECT raise(ABORT, 'label events are never deleted'); END;
PRAGMA application_id = 1097757810;
PRAGMA user_version = 1;
INSERT INTO cases (id, sha256, path, first_opened_utc) VALUES (1, '0f1e', '/scans/a.nii.gz', '2026-01-02T03:04:05.678Z');
INSERT INTO label_events (id, case_id, side, label, undoes, rater, session, ai_seen, ai_score, model_sha256, version)
VALUES
    (1, 1, 'R', 'anomalous', NULL, 'anna', '1-1', 1, 0.25, 'abcd', '0.1.0'),
    (2, 1, 'L', 'anomalous', NULL, 'anna', '1-1', 0, NULL, NULL, '0.1.0'),
    (3, 1, 'L', NULL, 2, 'anna', '1-1', 0, NULL, NULL, '0.1.0'),
    (4, 1, 'L', 'normal', NULL, 'anna', '1-1', 0, NULL, NULL, '0.1.0'),
    (5, 1, 'L', 'uncertain', NULL, 'ben', '2-1', 0, NULL, NULL, '0.1.0');
COMMIT;
