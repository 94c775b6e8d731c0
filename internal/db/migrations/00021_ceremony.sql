-- +goose Up
-- Hierarchies that a ceremony founded. Authorities may be offline: their keys are elsewhere, and only their certificates
-- and lists are here.
ALTER TABLE ca_key ADD COLUMN offline BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE ca_key ADD COLUMN profiles TEXT NOT NULL DEFAULT ''; -- of an issuing authority: what it issues, with spaces; '' for whatever no other does

-- A cross-certificate is another certificate of a root's key.
DROP INDEX ca_certificate_key;
CREATE UNIQUE INDEX ca_certificate_key ON ca_certificate (key_digest) WHERE state <> 'lost' AND profile <> 'cross-ca';

CREATE TABLE ca_ceremony (
    digest     TEXT NOT NULL PRIMARY KEY, -- of the ceremony's record, at its end
    name       TEXT NOT NULL,
    minutes    TEXT NOT NULL,             -- who, when, what, with digests
    plan       TEXT NOT NULL,             -- JSON: what this instance makes by itself below what was founded
    adopted_at TEXT NOT NULL
);
