-- +goose Up
-- Our own keys that are certified: authorities, their responders, seals. A slot has one key in force at a time;
-- renewing it makes the next generation.
CREATE TABLE ca_key (
    name       TEXT   NOT NULL PRIMARY KEY, -- in the key store; of an authority, in addresses too
    slot       TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    purpose    TEXT   NOT NULL CHECK (purpose IN ('root', 'issuing', 'responder', 'seal', 'stamp')),
    portal     TEXT   NOT NULL, -- of a seal; '' otherwise
    issuer     TEXT   NOT NULL, -- name of the authority that certifies it; '' for the root
    order_id   TEXT   NOT NULL,
    order_der  BYTEA  NOT NULL, -- what the ceremony approved
    key_digest TEXT   NOT NULL,
    serial     TEXT   NOT NULL, -- '' until certified
    made_at    TEXT   NOT NULL
);
CREATE UNIQUE INDEX ca_key_slot ON ca_key (slot, generation);
CREATE UNIQUE INDEX ca_key_digest ON ca_key (key_digest);
CREATE UNIQUE INDEX ca_key_order ON ca_key (order_id);

-- What was meant to be signed, and what was. The row is there before the key is used (intended), and a serial number
-- stays for good: what was never recorded as issued is lost, and revoked.
CREATE TABLE ca_certificate (
    serial      TEXT   NOT NULL PRIMARY KEY, -- lower-case hexadecimal
    issuer      TEXT   NOT NULL,
    order_id    TEXT   NOT NULL,
    portal      TEXT   NOT NULL,
    case_id     TEXT   NOT NULL,
    holder      TEXT   NOT NULL, -- person who may revoke it; '' for our own
    profile     TEXT   NOT NULL,
    digest      TEXT   NOT NULL, -- of the order: what was approved
    key_digest  TEXT   NOT NULL,
    approvals   TEXT   NOT NULL, -- JSON: ids of decisions
    report      TEXT   NOT NULL, -- JSON: what the lints said
    tbs_hash    TEXT   NOT NULL, -- SHA-256 of the to-be-signed bytes
    replica     TEXT   NOT NULL, -- the process that intended it
    state       TEXT   NOT NULL CHECK (state IN ('intended', 'issued', 'suspended', 'revoked', 'lost')),
    intended_at TEXT   NOT NULL,
    issued_at   TEXT   NOT NULL,
    not_before  TEXT   NOT NULL,
    not_after   TEXT   NOT NULL,
    der         BYTEA,
    revoked_at  TEXT   NOT NULL, -- or suspended since
    reason      BIGINT NOT NULL,
    revoked_by  TEXT   NOT NULL, -- person; '' for the program
    words       TEXT   NOT NULL, -- an officer's grounds
    entry       BYTEA,           -- its entry in the revocation list, encoded
    due_at      TEXT   NOT NULL, -- when a scheduled revocation takes effect; '' for none
    due_reason  BIGINT NOT NULL,
    due_words   TEXT   NOT NULL DEFAULT '',
    due_by      TEXT   NOT NULL DEFAULT '', -- person who set it; '' for the program
    held_until  TEXT   NOT NULL DEFAULT ''  -- when the suspension under way ends by itself; '' for none
);
CREATE UNIQUE INDEX ca_certificate_tbs ON ca_certificate (tbs_hash);
-- One order has one certificate, and one key too; a lost one does not count.
CREATE UNIQUE INDEX ca_certificate_order ON ca_certificate (order_id) WHERE state <> 'lost';
CREATE UNIQUE INDEX ca_certificate_key ON ca_certificate (key_digest) WHERE state <> 'lost';
CREATE INDEX ca_certificate_case ON ca_certificate (case_id) WHERE case_id <> '';
CREATE INDEX ca_certificate_holder ON ca_certificate (holder, portal) WHERE holder <> '';
CREATE INDEX ca_certificate_keys ON ca_certificate (key_digest);
CREATE INDEX ca_certificate_intended ON ca_certificate (intended_at) WHERE state = 'intended';
CREATE INDEX ca_certificate_due ON ca_certificate (due_at) WHERE due_at <> '';
CREATE INDEX ca_certificate_held ON ca_certificate (held_until) WHERE held_until <> '';
CREATE INDEX ca_certificate_list ON ca_certificate (issuer, revoked_at, serial) WHERE state IN ('suspended', 'revoked', 'lost');

-- Where an issuer's lists are: the last number given, and how often what they must say has changed.
CREATE TABLE ca_list_head (
    issuer  TEXT   NOT NULL PRIMARY KEY,
    number  BIGINT NOT NULL,
    changes BIGINT NOT NULL
);

-- The lists themselves, the last few of each issuer; the highest number is in force.
CREATE TABLE ca_list (
    issuer      TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    changes     BIGINT NOT NULL, -- of the head, when it was made
    this_update TEXT   NOT NULL,
    next_update TEXT   NOT NULL,
    der         BYTEA  NOT NULL,
    PRIMARY KEY (issuer, number)
);

-- How the subject of an order was shown to be who they are. Never changed.
CREATE TABLE ca_identity (
    portal   TEXT   NOT NULL,
    case_id  TEXT   NOT NULL,
    digest   TEXT   NOT NULL, -- of the order
    how      TEXT   NOT NULL,
    words    TEXT   NOT NULL,
    person   TEXT   NOT NULL, -- the officer
    account  TEXT   NOT NULL,
    session  TEXT   NOT NULL,
    strength BIGINT NOT NULL,
    at       TEXT   NOT NULL,
    PRIMARY KEY (portal, case_id, digest)
);

-- Every use of a body's seal, recorded before it.
CREATE TABLE ca_seal (
    id        TEXT NOT NULL PRIMARY KEY,
    portal    TEXT NOT NULL,
    subject   TEXT NOT NULL, -- digest of what was approved
    digest    TEXT NOT NULL, -- what was signed
    serial    TEXT NOT NULL, -- of the seal's certificate
    approvals TEXT NOT NULL, -- JSON: ids of decisions
    at        TEXT NOT NULL
);
CREATE INDEX ca_seal_subject ON ca_seal (portal, subject);

-- The latest second that any replica gave a time stamp in: no clock may lag behind it.
CREATE TABLE ca_stamped (
    slot   TEXT NOT NULL PRIMARY KEY,
    latest TEXT NOT NULL
);
