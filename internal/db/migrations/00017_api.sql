-- +goose Up
-- How far an approval for several certificates is used, in the signing room's own count; and that it was ended.
CREATE TABLE ca_mandate (
    portal   TEXT   NOT NULL,
    case_id  TEXT   NOT NULL,
    digest   TEXT   NOT NULL, -- of the mandate: what was approved
    used     BIGINT NOT NULL,
    ended_at TEXT   NOT NULL, -- '' while it runs
    PRIMARY KEY (portal, case_id, digest)
);
-- Under which mandate a certificate was issued; '' where it was approved by itself.
ALTER TABLE ca_certificate ADD COLUMN mandate TEXT NOT NULL DEFAULT '';

-- Mandates that a case gave, with the token by which a program of the body uses them.
CREATE TABLE certificate_mandate (
    id            TEXT   NOT NULL PRIMARY KEY,
    portal        TEXT   NOT NULL,
    procedure_key TEXT   NOT NULL,
    case_id       TEXT   NOT NULL,
    number        TEXT   NOT NULL, -- of the case, as people read it
    product_pt    TEXT   NOT NULL,
    product_en    TEXT   NOT NULL,
    profile       TEXT   NOT NULL,
    digest        TEXT   NOT NULL, -- what was approved
    mandate_der   BYTEA  NOT NULL,
    quorum        BIGINT NOT NULL, -- how many different people had to approve
    power_key     TEXT   NOT NULL, -- the power by which the holder asked: nothing is issued once it has ended
    person        TEXT   NOT NULL, -- holder
    account       TEXT   NOT NULL, -- of the holder, where letters go
    subject       TEXT   NOT NULL, -- whom the certificates speak for, in a word
    body          TEXT   NOT NULL,
    body_nipc     TEXT   NOT NULL,
    most          BIGINT NOT NULL,
    ends_at       TEXT   NOT NULL, -- nothing is issued from then on
    made_at       TEXT   NOT NULL,
    ended_at      TEXT   NOT NULL, -- '' while it runs
    ended_by      TEXT   NOT NULL, -- person
    token_id      TEXT   NOT NULL, -- '' while there is no token
    token_hash    TEXT   NOT NULL, -- SHA-256 of the token, hexadecimal; '' while there is none
    token_at      TEXT   NOT NULL
);
CREATE UNIQUE INDEX certificate_mandate_case ON certificate_mandate (case_id);
CREATE UNIQUE INDEX certificate_mandate_token ON certificate_mandate (token_hash) WHERE token_hash <> '';
CREATE INDEX certificate_mandate_person ON certificate_mandate (portal, person, made_at);
CREATE INDEX certificate_mandate_body ON certificate_mandate (portal, body_nipc, made_at);
