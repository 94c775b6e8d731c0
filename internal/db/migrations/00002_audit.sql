-- +goose Up
-- The record of deeds: append-only, chained by hash. Every column but hash is covered by hash.
CREATE TABLE audit_entry (
    seq      BIGINT NOT NULL PRIMARY KEY,
    at       TEXT   NOT NULL,
    portal   TEXT   NOT NULL,
    kind     TEXT   NOT NULL CHECK (kind IN ('visitor', 'person', 'officer', 'program', 'system')),
    person   TEXT   NOT NULL,
    account  TEXT   NOT NULL,
    session  TEXT   NOT NULL,
    roles    TEXT   NOT NULL,
    strength BIGINT NOT NULL,
    opened   TEXT   NOT NULL, -- the one case that a proven link opened to a visitor
    address  TEXT   NOT NULL, -- shortened to a network
    verb     TEXT   NOT NULL,
    object   TEXT   NOT NULL,
    details  TEXT   NOT NULL,
    prev     TEXT   NOT NULL,
    hash     TEXT   NOT NULL
);
CREATE INDEX audit_entry_portal ON audit_entry (portal, seq);
CREATE INDEX audit_entry_object ON audit_entry (object, seq);
CREATE INDEX audit_entry_verb ON audit_entry (portal, verb, seq);

-- The last entry's number and hash. Its one row is the lock that orders deeds at their end.
CREATE TABLE audit_head (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq  BIGINT NOT NULL,
    hash TEXT   NOT NULL
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- A second copy of the signed checkpoints; the first is a file that whoever holds the database does not hold.
CREATE TABLE audit_checkpoint (
    signer TEXT   NOT NULL, -- name and hash of the key
    seq    BIGINT NOT NULL,
    at     TEXT   NOT NULL,
    note   TEXT   NOT NULL,
    PRIMARY KEY (signer, seq)
);
