-- +goose Up
-- Whose certificate an order takes the place of, and what is to become of the earlier one. One order at a time renews
-- another, however often its holder presses the button.
CREATE TABLE certificate_renewal (
    order_id TEXT    NOT NULL PRIMARY KEY REFERENCES certificate_order (id), -- the new one
    renews   TEXT    NOT NULL REFERENCES certificate_order (id),             -- the earlier one
    changed  BOOLEAN NOT NULL, -- the certificate says something else than the earlier one: a modification
    ends     BOOLEAN NOT NULL, -- the earlier one is revoked once the holder has accepted the new
    reason   BIGINT  NOT NULL, -- of that revocation, RFC 5280 §5.3.1
    live     BOOLEAN NOT NULL  -- false once the new one was declined, or came to nothing
);
CREATE UNIQUE INDEX certificate_renewal_once ON certificate_renewal (renews) WHERE live;

-- Identities that were taken from an earlier proof, because the key of an earlier certificate signed the request.
-- Never changed. How often a proof may be used again is counted by number.
CREATE TABLE ca_identity_reuse (
    portal        TEXT   NOT NULL,
    case_id       TEXT   NOT NULL,
    digest        TEXT   NOT NULL, -- of the new order
    serial        TEXT   NOT NULL, -- the certificate whose key signed
    signed        BYTEA  NOT NULL, -- what it signed, as it was sent
    origin_case   TEXT   NOT NULL, -- the record that an officer made
    origin_digest TEXT   NOT NULL,
    number        BIGINT NOT NULL,
    at            TEXT   NOT NULL,
    PRIMARY KEY (portal, case_id, digest)
);
CREATE UNIQUE INDEX ca_identity_reuse_number ON ca_identity_reuse (portal, origin_case, origin_digest, number);
