//! How the project file is laid out, as the steps from nothing to the newest version.
//!
//! Step n brings a file of version n to version n + 1; the version is SQLite's `user_version`. A step that was ever
//! released is never changed: files that went through it are out there.

/// The steps in their order.
pub(super) const STEPS: [&str; 4] = [LABELS, MEASUREMENTS, READINGS, FEATURES];

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

/// Label events of several machines can be told apart (`uid`) and put in one order: `turn` counts the events of a case, side
/// and rater as their writer knew them (Lamport 1978), so that no clock that was set back hides a newer label.
const READINGS: &str = "
DROP VIEW current_labels;
CREATE TABLE label_events_3 (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    side TEXT NOT NULL CHECK (side IN ('L', 'R')),
    structure TEXT NOT NULL DEFAULT 'maxillary sinus',
    label TEXT CHECK (label IN ('normal', 'anomalous', 'uncertain', 'not assessable')),
    anomaly TEXT CHECK (anomaly IN ('mucosal thickening', 'polyp', 'cyst', 'opacification', 'other')),
    severity INTEGER CHECK (severity BETWEEN 0 AND 3),
    confidence INTEGER CHECK (confidence BETWEEN 0 AND 100),
    note TEXT NOT NULL DEFAULT '',
    turn INTEGER NOT NULL,
    undoes TEXT,
    rater TEXT NOT NULL,
    session TEXT NOT NULL,
    blinded INTEGER NOT NULL CHECK (blinded IN (0, 1)),
    ai_seen INTEGER NOT NULL CHECK (ai_seen IN (0, 1)),
    ai_score REAL,
    model_sha256 TEXT,
    duration_ms INTEGER,
    version TEXT NOT NULL,
    time_utc TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
WITH named AS (
    SELECT e.*, 'v2:' || c.sha256 || ':' || e.side || ':' || e.rater || ':' || e.session || ':' || e.id AS uid,
        row_number() OVER (PARTITION BY e.case_id, e.side, e.rater ORDER BY e.id) AS turn
    FROM label_events AS e JOIN cases AS c ON c.id = e.case_id
)
INSERT INTO label_events_3 (id, uid, case_id, side, structure, label, turn, undoes, rater, session, blinded, ai_seen,
    ai_score, model_sha256, version, time_utc)
SELECT id, uid, case_id, side, structure, label, turn, (SELECT uid FROM named AS u WHERE u.id = n.undoes), rater, session, 0,
    ai_seen, ai_score, model_sha256, version, time_utc
FROM named AS n;
DROP TABLE label_events;
ALTER TABLE label_events_3 RENAME TO label_events;
CREATE INDEX label_events_of_case ON label_events (case_id, side, rater, turn, time_utc, uid);
CREATE VIEW current_labels AS
    SELECT * FROM label_events AS e
    WHERE label IS NOT NULL AND id = (
        SELECT id FROM label_events WHERE case_id = e.case_id AND side = e.side AND rater = e.rater
        ORDER BY turn DESC, time_utc DESC, uid DESC LIMIT 1
    );
CREATE TRIGGER label_events_stay BEFORE UPDATE ON label_events
    BEGIN SELECT raise(ABORT, 'label events are never edited'); END;
CREATE TRIGGER label_events_remain BEFORE DELETE ON label_events
    BEGIN SELECT raise(ABORT, 'label events are never deleted'); END;
DROP VIEW current_measurements;
CREATE VIEW current_measurements AS
    SELECT * FROM measurement_events AS e
    WHERE measured IS NOT NULL AND id = (
        SELECT id FROM measurement_events
        WHERE case_id = e.case_id AND measurement = e.measurement AND rater = e.rater
        ORDER BY time_utc DESC, session DESC, id DESC LIMIT 1
    );
CREATE TABLE places (
    path TEXT NOT NULL,
    series TEXT NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    PRIMARY KEY (path, series)
) STRICT;
CREATE TABLE analyses (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    side TEXT NOT NULL CHECK (side IN ('L', 'R')),
    residual REAL,
    probability REAL,
    residual_sha256 TEXT,
    classifier_sha256 TEXT,
    version TEXT NOT NULL,
    time_utc TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX analyses_of_case ON analyses (case_id, side, id);
";

/// What a classifier saw of a sinus: numbers of 32 bits, little-endian, that are alike where sinuses are.
const FEATURES: &str = "
ALTER TABLE analyses ADD COLUMN features BLOB;
";
