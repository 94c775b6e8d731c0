-- +goose Up
-- Documents that support a case. The documents themselves are in the store of blobs; here is what they are.
CREATE TABLE evidence (
    id       TEXT   NOT NULL PRIMARY KEY,
    portal   TEXT   NOT NULL,
    case_id  TEXT   NOT NULL,
    slot     TEXT   NOT NULL, -- the key of the form's field that it answers
    name     TEXT   NOT NULL, -- as its owner called it, cleaned; for display only
    kind     TEXT   NOT NULL CHECK (kind IN ('pdf', 'png', 'jpeg')),
    size     BIGINT NOT NULL,
    digest   TEXT   NOT NULL, -- SHA-256, hexadecimal; part of the digest of the case's revision
    blob     TEXT   NOT NULL UNIQUE,
    findings TEXT   NOT NULL, -- what an officer should know of its inside, separated by spaces
    scan     TEXT   NOT NULL CHECK (scan IN ('unscanned', 'clean', 'held')),
    added_by TEXT   NOT NULL, -- the person's id, or '' for a visitor with a link
    added_at TEXT   NOT NULL,
    UNIQUE (case_id, slot, digest) -- one document may answer two questions, each once
);

-- What a case holds in all: one row that every addition changes, so that two at once cannot both fit under a limit.
CREATE TABLE evidence_total (
    case_id TEXT   NOT NULL PRIMARY KEY,
    files   BIGINT NOT NULL CHECK (files >= 0),
    bytes   BIGINT NOT NULL CHECK (bytes >= 0)
);
