-- +goose Up
-- Which list a certificate says, for good, and the turn of that list's head at which its standing last changed: whoever
-- keeps the register in memory reads what came after the turn that it knows. 0 for one whose standing never changed.
ALTER TABLE ca_certificate ADD COLUMN list TEXT NOT NULL DEFAULT '';
ALTER TABLE ca_certificate ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
CREATE INDEX ca_certificate_turn ON ca_certificate (list, turn) WHERE turn > 0;
-- All that the register holds, so that reading a million of them touches no certificate.
CREATE INDEX ca_certificate_register ON ca_certificate (serial, issuer, list, state, revoked_at, reason, not_after);
-- Cross-certificates are a handful, and asked for by strangers.
CREATE INDEX ca_certificate_cross ON ca_certificate (serial) WHERE profile = 'cross-ca';
DROP INDEX ca_certificate_list;

DROP TABLE ca_list;
DROP TABLE ca_list_head;

-- Where each list is: the last number given, and how often what it must say has changed. An issuer has one list, of its
-- own name, and more where its certificates are many.
CREATE TABLE ca_list_head (
    list    TEXT   NOT NULL PRIMARY KEY,
    issuer  TEXT   NOT NULL,
    number  BIGINT NOT NULL,
    changes BIGINT NOT NULL
);

-- The lists themselves, the last few of each; the highest number is in force.
CREATE TABLE ca_list (
    list        TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    changes     BIGINT NOT NULL, -- of the head, when it was made
    this_update TEXT   NOT NULL,
    next_update TEXT   NOT NULL,
    last        BOOLEAN NOT NULL, -- no other follows: its issuer has ended
    der         BYTEA  NOT NULL,
    PRIMARY KEY (list, number)
);

-- The authorities that people ended: they issue no more, and their last lists stand for good.
CREATE TABLE ca_ended (
    issuer  TEXT    NOT NULL PRIMARY KEY,
    at      TEXT    NOT NULL,
    words   TEXT    NOT NULL, -- who decided it, before whom
    revokes BOOLEAN NOT NULL, -- what was still in force is revoked
    reason  BIGINT  NOT NULL, -- why, as lists say it
    shut_at TEXT    NOT NULL  -- since when its key signs nothing any more; '' while it still certifies its responders
);

-- What somebody was told of about the end of our own keys, certificates and lists, and when last.
CREATE TABLE ca_warned (
    name  TEXT NOT NULL PRIMARY KEY,
    level TEXT NOT NULL CHECK (level IN ('good', 'soon', 'ended')),
    at    TEXT NOT NULL
);
