-- +goose Up
-- Programs of bodies that may ask for time stamps. Of a secret its digest is kept.
CREATE TABLE caller (
    id        TEXT NOT NULL PRIMARY KEY, -- the user name that the program gives
    portal    TEXT NOT NULL,
    body_nipc TEXT NOT NULL,
    body      TEXT NOT NULL,
    system    TEXT NOT NULL, -- which system it is, in words
    digest    TEXT NOT NULL, -- SHA-256 of the secret, hexadecimal
    person    TEXT NOT NULL, -- who made it, and by whose power it is good
    account   TEXT NOT NULL,
    made_at   TEXT NOT NULL,
    ended_at  TEXT NOT NULL, -- '' while it is good
    ended_by  TEXT NOT NULL
);
CREATE UNIQUE INDEX caller_digest ON caller (digest);
CREATE INDEX caller_body ON caller (portal, body_nipc, made_at);

-- How often a program asked in a month of Lisbon; what it asked about is kept nowhere.
CREATE TABLE caller_count (
    caller  TEXT   NOT NULL,
    month   TEXT   NOT NULL, -- 2026-05
    count   BIGINT NOT NULL,
    last_at TEXT   NOT NULL,
    PRIMARY KEY (caller, month)
);
