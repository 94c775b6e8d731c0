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

-- Powers that end before anybody thought, or by their term, with what follows. Confirmed by whoever saw the list; carried
-- out by a loop that reads this table, however often the process is killed in between.
CREATE TABLE ending (
    id        TEXT NOT NULL PRIMARY KEY,
    portal    TEXT NOT NULL,
    cause     TEXT NOT NULL CHECK (cause IN ('left', 'power', 'body', 'term', 'account')),
    body_nipc TEXT NOT NULL, -- '' for powers of oneself
    body_name TEXT NOT NULL,
    person    TEXT NOT NULL, -- '' where a whole body ends
    digest    TEXT NOT NULL, -- of the list that was confirmed
    reason    TEXT NOT NULL, -- code of the portal's ground
    at        TEXT NOT NULL, -- when it takes effect
    kind      TEXT NOT NULL CHECK (kind IN ('person', 'officer', 'system')),
    by_person TEXT NOT NULL,
    made_at   TEXT NOT NULL,
    done_at   TEXT NOT NULL  -- '' until all of it is done
);
CREATE UNIQUE INDEX ending_once ON ending (portal, digest);
CREATE INDEX ending_due ON ending (at) WHERE done_at = '';
CREATE INDEX ending_made ON ending (portal, made_at);

CREATE TABLE ending_power (
    ending_id TEXT NOT NULL REFERENCES ending (id),
    power_id  TEXT NOT NULL REFERENCES power (id),
    PRIMARY KEY (ending_id, power_id)
);

CREATE TABLE ending_thing (
    ending_id TEXT   NOT NULL REFERENCES ending (id),
    seq       BIGINT NOT NULL,
    kind      TEXT   NOT NULL, -- which room holds it
    thing     TEXT   NOT NULL, -- its id there
    label_pt  TEXT   NOT NULL,
    label_en  TEXT   NOT NULL,
    detail    TEXT   NOT NULL, -- serial number, or another by which people know it
    holder    TEXT   NOT NULL,
    effect    TEXT   NOT NULL CHECK (effect IN ('end', 'propose', 'stay')),
    done_at   TEXT   NOT NULL, -- ended, or an officer has decided; '' until then
    PRIMARY KEY (ending_id, seq)
);
CREATE UNIQUE INDEX ending_thing_once ON ending_thing (ending_id, kind, thing);
CREATE INDEX ending_thing_open ON ending_thing (kind, thing) WHERE effect = 'propose' AND done_at = '';
