-- +goose Up
-- Human beings within a portal. Four eyes are told apart by this id.
CREATE TABLE person (
    id           TEXT NOT NULL PRIMARY KEY,
    portal       TEXT NOT NULL,
    name         TEXT NOT NULL,
    civil_mark   TEXT NOT NULL, -- keyed digest of the civil number, by which two askings are found to be one person's
    civil_locked TEXT NOT NULL, -- the number itself, encrypted
    made_at      TEXT NOT NULL
);
CREATE UNIQUE INDEX person_civil ON person (portal, civil_mark) WHERE civil_mark <> '';

-- Ways of being known to a portal: one address, one kind.
CREATE TABLE account (
    id           TEXT   NOT NULL PRIMARY KEY,
    portal       TEXT   NOT NULL,
    person       TEXT   NOT NULL REFERENCES person (id),
    kind         TEXT   NOT NULL CHECK (kind IN ('applicant', 'officer')),
    state        TEXT   NOT NULL CHECK (state IN ('invited', 'active', 'suspended', 'closed')),
    address      TEXT   NOT NULL,
    address_key  TEXT   NOT NULL, -- the address in its one canonical form
    telephone    TEXT   NOT NULL,
    mobile       TEXT   NOT NULL,
    lang         TEXT   NOT NULL CHECK (lang IN ('pt-PT', 'en')),
    roles        TEXT   NOT NULL, -- of an officer, separated by spaces
    epoch        BIGINT NOT NULL, -- counts what must end every session: another password, other roles, suspension
    case_number  TEXT   NOT NULL, -- of the asking that made it, as people read it; '' for officers
    made_at      TEXT   NOT NULL,
    proven_at    TEXT   NOT NULL, -- when its holder showed that the address is theirs; '' until then
    activated_at TEXT   NOT NULL
);
CREATE UNIQUE INDEX account_address ON account (portal, kind, address_key) WHERE state <> 'closed';
CREATE INDEX account_person ON account (person);
CREATE INDEX account_officers ON account (portal, state) WHERE kind = 'officer';

-- Every address that a person ever had here: a person who changes address stays the same person.
CREATE TABLE person_address (
    portal      TEXT NOT NULL,
    address_key TEXT NOT NULL,
    person      TEXT NOT NULL REFERENCES person (id),
    since       TEXT NOT NULL,
    PRIMARY KEY (portal, address_key, person)
);
CREATE INDEX person_address_person ON person_address (person);

-- Legal persons, from the register of eligible bodies or from an approved case. A new name makes a new version.
CREATE TABLE body (
    portal   TEXT    NOT NULL,
    nipc     TEXT    NOT NULL,
    version  BIGINT  NOT NULL,
    name     TEXT    NOT NULL,
    acronym  TEXT    NOT NULL,
    sort     TEXT    NOT NULL, -- the kind of body, in the register's words
    class    TEXT    NOT NULL CHECK (class IN ('', 'eligible', 'conditional', 'not')),
    domains  TEXT    NOT NULL, -- separated by spaces
    listed   BOOLEAN NOT NULL, -- in the register now
    folded   TEXT    NOT NULL, -- the words by which it is found
    current  BOOLEAN NOT NULL,
    since    TEXT    NOT NULL,
    PRIMARY KEY (portal, nipc, version)
);
CREATE UNIQUE INDEX body_current ON body (portal, nipc) WHERE current;

-- What a person may ask for and on whose behalf.
CREATE TABLE power (
    id           TEXT    NOT NULL PRIMARY KEY,
    portal       TEXT    NOT NULL,
    power_key    TEXT    NOT NULL,
    person       TEXT    NOT NULL REFERENCES person (id),
    account      TEXT    NOT NULL REFERENCES account (id),
    body_nipc    TEXT    NOT NULL, -- '' for oneself
    body_version BIGINT  NOT NULL, -- the body as it was called when the power was granted
    case_id      TEXT    NOT NULL,
    position     TEXT    NOT NULL,
    unit         TEXT    NOT NULL,
    locality     TEXT    NOT NULL,
    sole         BOOLEAN NOT NULL, -- one responsible person per body
    from_at      TEXT    NOT NULL,
    until_at     TEXT    NOT NULL, -- '' for no end
    confirm_by   TEXT    NOT NULL, -- '' for never; otherwise it rests from then on until it is confirmed
    ended_at     TEXT    NOT NULL, -- revoked or replaced; '' while neither
    ended_why    TEXT    NOT NULL CHECK (ended_why IN ('', 'replaced', 'lapsed', 'revoked', 'closed'))
);
CREATE UNIQUE INDEX power_once ON power (portal, power_key, person, body_nipc) WHERE ended_at = '';
CREATE UNIQUE INDEX power_sole ON power (portal, power_key, body_nipc) WHERE sole AND ended_at = '';
CREATE INDEX power_person ON power (person, ended_at);
CREATE INDEX power_body ON power (portal, body_nipc, ended_at);

-- One row for what only one deed at a time may change: the register of a portal, its administrators.
CREATE TABLE account_gate (
    portal TEXT   NOT NULL,
    what   TEXT   NOT NULL,
    passed BIGINT NOT NULL,
    PRIMARY KEY (portal, what)
);
