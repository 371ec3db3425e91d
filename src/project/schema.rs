//! How the project file is laid out, as the steps from nothing to the newest version.
//!
//! Step n brings a file of version n to version n + 1; the version is SQLite's `user_version`. A step that was ever
//! released is never changed: files that went through it are out there.

/// The steps in their order.
pub(super) const STEPS: [&str; 2] = [LABELS, MEASUREMENTS];

const LABELS: &str = "
CREATE TABLE IF NOT EXISTS cases (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    path TEXT,
    first_opened_utc TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE TABLE IF NOT EXISTS label_events (
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
CREATE INDEX IF NOT EXISTS label_events_of_case ON label_events (case_id, side, rater, id);
CREATE VIEW IF NOT EXISTS current_labels AS
    SELECT * FROM label_events AS e
    WHERE id = (SELECT max(id) FROM label_events WHERE case_id = e.case_id AND side = e.side AND rater = e.rater);
CREATE TRIGGER IF NOT EXISTS label_events_stay BEFORE UPDATE ON label_events
    BEGIN SELECT raise(ABORT, 'label events are never edited'); END;
CREATE TRIGGER IF NOT EXISTS label_events_remain BEFORE DELETE ON label_events
    BEGIN SELECT raise(ABORT, 'label events are never deleted'); END;
";

const MEASUREMENTS: &str = "
CREATE TABLE IF NOT EXISTS measurement_events (
    id INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    measurement INTEGER NOT NULL,
    measured TEXT,
    name TEXT NOT NULL,
    rater TEXT NOT NULL,
    session TEXT NOT NULL,
    version TEXT NOT NULL,
    time_utc TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX IF NOT EXISTS measurement_events_of_case ON measurement_events (case_id, measurement, rater, id);
CREATE VIEW IF NOT EXISTS current_measurements AS
    SELECT * FROM measurement_events AS e
    WHERE measured IS NOT NULL AND id = (
        SELECT max(id) FROM measurement_events
        WHERE case_id = e.case_id AND measurement = e.measurement AND rater = e.rater
    );
CREATE TRIGGER IF NOT EXISTS measurement_events_stay BEFORE UPDATE ON measurement_events
    BEGIN SELECT raise(ABORT, 'measurement events are never edited'); END;
CREATE TRIGGER IF NOT EXISTS measurement_events_remain BEFORE DELETE ON measurement_events
    BEGIN SELECT raise(ABORT, 'measurement events are never deleted'); END;
CREATE TABLE IF NOT EXISTS view_states (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    rater TEXT NOT NULL,
    state TEXT NOT NULL,
    time_utc TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (case_id, rater)
) STRICT;
";
