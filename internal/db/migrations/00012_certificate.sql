-- +goose Up
-- What was approved to be certified, one order a case, until its holder has it.
CREATE TABLE certificate_order (
    id            TEXT    NOT NULL PRIMARY KEY,
    portal        TEXT    NOT NULL,
    procedure_key TEXT    NOT NULL,
    case_id       TEXT    NOT NULL,
    number        TEXT    NOT NULL, -- of the case, as people read it
    product_pt    TEXT    NOT NULL,
    product_en    TEXT    NOT NULL,
    profile       TEXT    NOT NULL,
    digest        TEXT    NOT NULL, -- what was approved
    order_der     BYTEA   NOT NULL,
    key_digest    TEXT    NOT NULL,
    quorum        BIGINT  NOT NULL, -- how many different people had to approve
    identity      BOOLEAN NOT NULL, -- the subject's identity must be proven before it is issued
    person        TEXT    NOT NULL, -- holder
    account       TEXT    NOT NULL, -- of the holder, where letters go
    subject       TEXT    NOT NULL, -- whom it speaks for, in a word
    body          TEXT    NOT NULL,
    body_nipc     TEXT    NOT NULL,
    power         TEXT    NOT NULL, -- key of the power that it was ordered by
    state         TEXT    NOT NULL CHECK (state IN ('awaiting-identity', 'awaiting-key', 'issuing', 'issued', 'accepted', 'declined', 'stopped')),
    held          TEXT    NOT NULL, -- why it could not be issued, as a message key; '' for nothing
    tries         BIGINT  NOT NULL,
    next_try      TEXT    NOT NULL,
    serial        TEXT    NOT NULL, -- '' until issued
    made_at       TEXT    NOT NULL,
    issued_at     TEXT    NOT NULL,
    ends_at       TEXT    NOT NULL, -- of the certificate; '' until issued
    reminded      BIGINT  NOT NULL, -- the last reminder of its end that was sent; 0 for none
    closed_at     TEXT    NOT NULL, -- accepted or declined
    hold_told     TEXT    NOT NULL DEFAULT '' -- the end of a suspension that people were told is near; '' for none
);
CREATE UNIQUE INDEX certificate_order_case ON certificate_order (case_id);
CREATE UNIQUE INDEX certificate_order_key ON certificate_order (key_digest);
CREATE INDEX certificate_order_person ON certificate_order (portal, person, made_at);
CREATE INDEX certificate_order_serial ON certificate_order (serial) WHERE serial <> '';
CREATE INDEX certificate_order_number ON certificate_order (portal, upper(number));
CREATE INDEX certificate_order_body ON certificate_order (portal, body_nipc, made_at);
CREATE INDEX certificate_order_ready ON certificate_order (next_try) WHERE state = 'issuing';
CREATE INDEX certificate_order_ending ON certificate_order (ends_at) WHERE state IN ('issued', 'accepted') AND reminded < 4;
CREATE INDEX certificate_order_identity ON certificate_order (portal, made_at) WHERE state = 'awaiting-identity';
