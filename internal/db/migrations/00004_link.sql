-- +goose Up
-- Single-use links and codes. The secret of neither is stored: it follows from the row and a key kept elsewhere.
CREATE TABLE link (
    ref     TEXT NOT NULL PRIMARY KEY,
    kind    TEXT NOT NULL,
    portal  TEXT NOT NULL,
    subject TEXT NOT NULL, -- an id: never an address or a name
    made    TEXT NOT NULL,
    expires TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('open', 'used', 'void')),
    ended   TEXT NOT NULL -- when it was used or made void; '' while open
);
CREATE INDEX link_subject ON link (portal, kind, subject, state);
CREATE INDEX link_expires ON link (expires);

CREATE TABLE code (
    ref       TEXT   NOT NULL PRIMARY KEY,
    kind      TEXT   NOT NULL,
    portal    TEXT   NOT NULL,
    subject   TEXT   NOT NULL,
    challenge TEXT   NOT NULL, -- the sign-in, or other act under way, that asked for it
    made      TEXT   NOT NULL,
    expires   TEXT   NOT NULL,
    tries     BIGINT NOT NULL,
    state     TEXT   NOT NULL CHECK (state IN ('open', 'used', 'void')),
    ended     TEXT   NOT NULL
);
CREATE INDEX code_subject ON code (portal, kind, subject, state);
CREATE INDEX code_expires ON code (expires);

-- One row for whatever links and codes are about: the lock that lets only one of two made at once stay good.
CREATE TABLE link_gate (
    portal  TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    made    BIGINT NOT NULL,
    PRIMARY KEY (portal, kind, subject)
);
