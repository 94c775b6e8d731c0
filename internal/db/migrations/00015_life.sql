-- +goose Up
-- The times in which a certificate was suspended, for good: whether it could be relied on at a moment is read from here.
CREATE TABLE ca_suspension (
    id        TEXT NOT NULL PRIMARY KEY,
    serial    TEXT NOT NULL,
    began_at  TEXT NOT NULL,
    until_at  TEXT NOT NULL, -- when it ends by itself
    after     TEXT NOT NULL CHECK (after IN ('reinstate', 'revoke')), -- what it then ends in
    right_of  TEXT NOT NULL CHECK (right_of IN ('', 'body', 'code')), -- by what right it was asked, beside the holder's and an officer's
    person    TEXT NOT NULL, -- who asked; '' for whoever held the code
    words     TEXT NOT NULL, -- grounds
    ended_at  TEXT NOT NULL, -- '' while it runs
    ended     TEXT NOT NULL CHECK (ended IN ('', 'reinstate', 'revoke')),
    ended_by  TEXT NOT NULL, -- person; '' for the program
    end_words TEXT NOT NULL  -- an officer's grounds for reinstating
);
CREATE INDEX ca_suspension_serial ON ca_suspension (serial, began_at);
CREATE UNIQUE INDEX ca_suspension_running ON ca_suspension (serial) WHERE ended_at = '';

-- What strangers report about certificates. What they wrote is encrypted.
CREATE TABLE problem_number (
    portal TEXT   NOT NULL,
    year   BIGINT NOT NULL,
    last   BIGINT NOT NULL,
    PRIMARY KEY (portal, year)
);
CREATE TABLE problem_report (
    id          TEXT NOT NULL PRIMARY KEY,
    portal      TEXT NOT NULL,
    number      TEXT NOT NULL, -- as people read it
    kind        TEXT NOT NULL CHECK (kind IN ('problem', 'call-back')),
    state       TEXT NOT NULL CHECK (state IN ('open', 'answered')),
    locked      TEXT NOT NULL, -- JSON of what was written and of how to reach whoever wrote it
    lang        TEXT NOT NULL,
    made_at     TEXT NOT NULL,
    due_at      TEXT NOT NULL,
    answer      TEXT NOT NULL, -- encrypted; '' while open
    person      TEXT NOT NULL, -- the officer who answered; '' while open
    answered_at TEXT NOT NULL
);
CREATE UNIQUE INDEX problem_report_number ON problem_report (portal, number);
CREATE INDEX problem_report_open ON problem_report (portal, due_at) WHERE state = 'open';
