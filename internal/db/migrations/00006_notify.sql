-- +goose Up
-- What was sent to whom about what: no texts and no addresses, so that it can be kept with the case.
CREATE TABLE delivery (
    id        TEXT   NOT NULL PRIMARY KEY, -- also in the mail's Message-ID, so that a second copy is recognisable
    portal    TEXT   NOT NULL,
    case_id   TEXT   NOT NULL, -- '' for a message about no case
    kind      TEXT   NOT NULL, -- which of the portal's messages
    channel   TEXT   NOT NULL CHECK (channel IN ('mail', 'sms')),
    mark      TEXT   NOT NULL, -- keyed hash of the address, to match a bounce or an objection
    state     TEXT   NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    tries     BIGINT NOT NULL,
    reason    TEXT   NOT NULL, -- of the last failure, a word and the server's code; never its words
    queued_at TEXT   NOT NULL,
    sent_at   TEXT   NOT NULL,
    failed_at TEXT   NOT NULL
);

CREATE INDEX delivery_case ON delivery (case_id) WHERE case_id <> '';
CREATE INDEX delivery_failed ON delivery (failed_at) WHERE state = 'failed';
