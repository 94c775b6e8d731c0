-- +goose Up
-- The last number given in a portal and year of issue: numbers have no holes.
CREATE TABLE credential_number (
    portal TEXT   NOT NULL,
    year   BIGINT NOT NULL,
    last   BIGINT NOT NULL,
    PRIMARY KEY (portal, year)
);

-- What was approved to be printed and sealed, and how it stands. The row is there from the approval (issuing); the
-- sealed file is among the blobs. That it lapsed is read from valid_until.
CREATE TABLE credential (
    id                TEXT   NOT NULL PRIMARY KEY,
    portal            TEXT   NOT NULL,
    procedure_key     TEXT   NOT NULL,
    case_id           TEXT   NOT NULL,
    case_number       TEXT   NOT NULL,
    person            TEXT   NOT NULL, -- who asked for it
    account           TEXT   NOT NULL,
    applicant         TEXT   NOT NULL, -- the name to greet, if there is no account
    address           TEXT   NOT NULL, -- where letters go, if there is no account
    lang              TEXT   NOT NULL CHECK (lang IN ('pt-PT', 'en')),
    body_number       TEXT   NOT NULL,
    body_name         TEXT   NOT NULL,
    exercise          TEXT   NOT NULL, -- the year that it is about
    renews            BOOLEAN NOT NULL, -- takes the place of earlier ones of the same body and exercise
    subject           TEXT   NOT NULL, -- digest of content: what the approvals approved
    quorum            BIGINT NOT NULL,
    approvals         TEXT   NOT NULL, -- JSON: ids of decisions
    content           TEXT   NOT NULL, -- JSON: every word that was approved
    decided           TEXT   NOT NULL, -- JSON: who decided, in which office, as printed
    number            TEXT   NOT NULL,
    edition           BIGINT NOT NULL, -- counts those of the same body and exercise
    code              TEXT   NOT NULL,
    code_digest       TEXT   NOT NULL, -- by which it is looked up, so that no index can be felt for a code
    state             TEXT   NOT NULL CHECK (state IN ('issuing', 'valid', 'suspended', 'revoked', 'replaced')),
    version           BIGINT NOT NULL, -- counts the changes, for compare-and-set
    approved_at       TEXT   NOT NULL,
    valid_until       TEXT   NOT NULL,
    sealing_at        TEXT   NOT NULL, -- the time that the seal claims, fixed before the key is used; '' until then
    seal              TEXT   NOT NULL, -- JSON: the signature with its certificates, once given; '' until then
    issued_at         TEXT   NOT NULL, -- '' while issuing
    blob              TEXT   NOT NULL, -- '' while issuing
    digest            TEXT   NOT NULL, -- SHA-256 of the sealed file; '' while issuing
    since             TEXT   NOT NULL, -- of the state
    replaced_by       TEXT   NOT NULL, -- id; '' unless replaced
    reminded          BIGINT NOT NULL, -- the last reminder of its end that was sent; 0 for none
    CHECK ((blob = '') = (issued_at = '')),
    CHECK (state NOT IN ('valid', 'suspended', 'revoked') OR issued_at <> '')
);
CREATE UNIQUE INDEX credential_subject ON credential (portal, subject);
CREATE UNIQUE INDEX credential_number_once ON credential (portal, number);
CREATE UNIQUE INDEX credential_code ON credential (code_digest);
CREATE INDEX credential_issuing ON credential (approved_at) WHERE state = 'issuing';
CREATE INDEX credential_ending ON credential (valid_until) WHERE state IN ('valid', 'suspended') AND reminded < 4;
CREATE INDEX credential_case ON credential (case_id);
CREATE INDEX credential_person ON credential (portal, person) WHERE person <> '';
CREATE INDEX credential_body ON credential (portal, body_number) WHERE body_number <> '';
CREATE INDEX credential_blob ON credential (blob) WHERE blob <> '';

-- What happened to a credential, with author, time and reasons. Rows are only added.
CREATE TABLE credential_event (
    credential TEXT   NOT NULL REFERENCES credential (id),
    seq        BIGINT NOT NULL,
    at         TEXT   NOT NULL,
    kind       TEXT   NOT NULL CHECK (kind IN ('issued', 'suspended', 'restored', 'revoked', 'replaced')),
    actor      TEXT   NOT NULL CHECK (actor IN ('officer', 'system')),
    person     TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    codes      TEXT   NOT NULL, -- JSON: of the portal's reasons
    words      TEXT   NOT NULL, -- the officer's own
    PRIMARY KEY (credential, seq)
);
