-- +goose Up
-- The nightly re-check: a row a night, by which its parts follow one another whatever process takes them.
CREATE TABLE recheck_night (
    day      TEXT   NOT NULL PRIMARY KEY, -- of its beginning, UTC
    since    TEXT   NOT NULL,             -- what was issued or changed from then on is read
    part     TEXT   NOT NULL CHECK (part IN ('issued', 'ended', 'old', 'done')),
    place    TEXT   NOT NULL,             -- how far that part is
    old      TEXT   NOT NULL,             -- serial number up to which the turn of all others has come
    quota    BIGINT NOT NULL,             -- how many of the others are read in this night
    read     BIGINT NOT NULL,
    began_at TEXT   NOT NULL,
    ended_at TEXT   NOT NULL
);

-- What it found. A row is never changed.
CREATE TABLE recheck_finding (
    day      TEXT NOT NULL,
    serial   TEXT NOT NULL, -- '' for a list or a service as a whole
    issuer   TEXT NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('unreadable', 'other-bytes', 'other-dates', 'other-key', 'bad-signature', 'not-approved', 'lint',
        'no-issuer', 'foreign-address', 'not-listed', 'listed', 'list', 'answer', 'answered-otherwise', 'deeds')),
    detail   TEXT NOT NULL,
    found_at TEXT NOT NULL,
    PRIMARY KEY (day, serial, issuer, kind)
);

-- What was issued lately is found without reading all.
CREATE INDEX ca_certificate_issued ON ca_certificate (issued_at, serial) WHERE issued_at <> '';

-- Test certificates that the world may fetch: of each profile one that is valid, one revoked, one expired.
CREATE TABLE ca_sample (
    profile    TEXT   NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('valid', 'revoked', 'expired')), -- what it shall show
    generation BIGINT NOT NULL,
    order_id   TEXT   NOT NULL,
    order_der  BYTEA  NOT NULL, -- what the ceremony approved
    made_at    TEXT   NOT NULL,
    PRIMARY KEY (profile, state, generation)
);

-- Every text of the practice statement that was ever in force.
CREATE TABLE publication_statement (
    number       BIGINT NOT NULL,
    lang         TEXT   NOT NULL CHECK (lang IN ('pt-PT', 'en')),
    hash         TEXT   NOT NULL, -- SHA-256 of text
    text         TEXT   NOT NULL, -- Markdown
    published_at TEXT   NOT NULL,
    PRIMARY KEY (number, lang)
);
