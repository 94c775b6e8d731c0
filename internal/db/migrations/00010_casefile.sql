-- +goose Up
-- The last number given in a portal and year: numbers have no holes but those of cases that were erased.
CREATE TABLE case_number (
    portal TEXT   NOT NULL,
    year   BIGINT NOT NULL,
    last   BIGINT NOT NULL,
    PRIMARY KEY (portal, year)
);

CREATE TABLE casefile (
    id                TEXT   NOT NULL PRIMARY KEY,
    portal            TEXT   NOT NULL,
    procedure_key     TEXT   NOT NULL,
    procedure_version TEXT   NOT NULL,
    number            TEXT   NOT NULL, -- '' while a draft
    state             TEXT   NOT NULL CHECK (state IN ('draft', 'submitted', 'proven', 'in-review', 'waiting', 'refusal-intended', 'heard', 'approved', 'refused', 'withdrawn', 'deserted', 'lapsed')),
    version           BIGINT NOT NULL, -- counts the changes, for compare-and-set
    lang              TEXT   NOT NULL CHECK (lang IN ('pt-PT', 'en')),
    person            TEXT   NOT NULL, -- who filed it, if signed in
    account           TEXT   NOT NULL,
    applicant         TEXT   NOT NULL, -- the name to greet
    address           TEXT   NOT NULL,
    address_key       TEXT   NOT NULL, -- the address in its one canonical form
    civil_mark        TEXT   NOT NULL, -- keyed digest of the civil number, '' if not asked
    body_number       TEXT   NOT NULL,
    body_name         TEXT   NOT NULL,
    one_per           TEXT   NOT NULL, -- what makes a second live case of the procedure a repetition; '' for nothing
    answers           TEXT   NOT NULL, -- JSON; sensitive values are locked
    revision          TEXT   NOT NULL, -- digest of what was filed; '' while a draft
    left_out          TEXT   NOT NULL, -- the choices that an approval did not grant, with spaces; '' if it granted all
    documents         TEXT   NOT NULL, -- ids of the documents of that revision, with spaces
    director          TEXT   NOT NULL, -- person directing the procedure
    taken_by          TEXT   NOT NULL,
    created_at        TEXT   NOT NULL,
    changed_at        TEXT   NOT NULL,
    filed_at          TEXT   NOT NULL,
    proven_at         TEXT   NOT NULL,
    due_at            TEXT   NOT NULL, -- end of the term to decide
    paused_at         TEXT   NOT NULL, -- since when the term stands still; '' if it runs
    answer_by         TEXT   NOT NULL, -- end of the term to bring elements or be heard
    decided_at        TEXT   NOT NULL,
    reminded          BIGINT NOT NULL, -- how many reminders this state has brought
    follows           TEXT   NOT NULL  -- the earlier case that it was begun from; '' for none
);
CREATE UNIQUE INDEX casefile_number ON casefile (portal, number) WHERE number <> '';
CREATE UNIQUE INDEX casefile_one_per ON casefile (portal, procedure_key, one_per)
    WHERE one_per <> '' AND state NOT IN ('draft', 'refused', 'withdrawn', 'deserted', 'lapsed');
-- A case has one under way that follows it, however often its holder asks for one.
CREATE UNIQUE INDEX casefile_follows ON casefile (follows)
    WHERE follows <> '' AND state NOT IN ('approved', 'refused', 'withdrawn', 'deserted', 'lapsed');
CREATE INDEX casefile_queue ON casefile (portal, state, due_at, id);
CREATE INDEX casefile_person ON casefile (portal, person) WHERE person <> '';
CREATE INDEX casefile_address ON casefile (portal, address_key) WHERE address_key <> '';
CREATE INDEX casefile_body ON casefile (portal, body_number) WHERE body_number <> '';
CREATE INDEX casefile_changed ON casefile (state, changed_at);

-- What happened to a case, as its people read it. Never changed.
CREATE TABLE case_event (
    id        TEXT   NOT NULL PRIMARY KEY,
    case_id   TEXT   NOT NULL REFERENCES casefile (id),
    seq       BIGINT NOT NULL,
    at        TEXT   NOT NULL,
    kind      TEXT   NOT NULL,
    actor     TEXT   NOT NULL CHECK (actor IN ('visitor', 'person', 'officer', 'system')),
    person    TEXT   NOT NULL,
    words     TEXT   NOT NULL, -- the officer's or applicant's own words
    inside    BOOLEAN NOT NULL, -- seen by officers only
    UNIQUE (case_id, seq)
);

-- What an officer asked the applicant to correct or bring, one row an item.
CREATE TABLE case_request (
    id          TEXT NOT NULL PRIMARY KEY,
    case_id     TEXT NOT NULL REFERENCES casefile (id),
    field       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    asked_at    TEXT NOT NULL,
    answered_at TEXT NOT NULL
);
CREATE INDEX case_request_case ON case_request (case_id, answered_at);

-- The terms of search: words of names, numbers, addresses, folded. The same on both engines.
CREATE TABLE case_term (
    portal  TEXT NOT NULL,
    term    TEXT NOT NULL,
    case_id TEXT NOT NULL REFERENCES casefile (id),
    PRIMARY KEY (portal, term, case_id)
);
CREATE INDEX case_term_case ON case_term (case_id);

-- The versions of procedures under which cases were filed: an old case is shown and judged under its own.
CREATE TABLE procedure_version (
    portal  TEXT NOT NULL,
    version TEXT NOT NULL,
    source  TEXT NOT NULL,
    since   TEXT NOT NULL,
    PRIMARY KEY (portal, version)
);
