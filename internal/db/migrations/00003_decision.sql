-- +goose Up
-- What was decided, on which bytes, by whom, how surely known. Rows are only ever added.
CREATE TABLE decision (
    id         TEXT   NOT NULL PRIMARY KEY,
    case_id    TEXT   NOT NULL, -- '' for a ceremony
    number     BIGINT NOT NULL, -- its place in the history of the case
    round      BIGINT NOT NULL, -- a void begins the next round; what stands is of the present one
    at         TEXT   NOT NULL,
    portal     TEXT   NOT NULL,
    verdict    TEXT   NOT NULL CHECK (verdict IN ('propose-approve', 'propose-refuse', 'approve', 'intend-refuse', 'refuse', 'desert', 'void', 'ceremony')),
    revision   TEXT   NOT NULL,
    subject    TEXT   NOT NULL, -- digest of exactly what shall be issued; '' if nothing is
    kind       TEXT   NOT NULL,
    person     TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    session    TEXT   NOT NULL,
    strength   BIGINT NOT NULL,
    roles      TEXT   NOT NULL,
    office     TEXT   NOT NULL,
    delegation TEXT   NOT NULL,
    reasons    TEXT   NOT NULL, -- JSON: [{"code", "words"}]
    weighing   TEXT   NOT NULL,
    minutes    TEXT   NOT NULL  -- of a ceremony; why, of a void
);
CREATE UNIQUE INDEX decision_place ON decision (portal, case_id, number);
-- One person approves or ends the same thing once, whatever accounts and roles they have.
CREATE UNIQUE INDEX decision_once ON decision (case_id, round, revision, subject, person, verdict)
    WHERE verdict IN ('approve', 'refuse', 'desert');
CREATE UNIQUE INDEX decision_ceremony ON decision (portal, subject) WHERE verdict = 'ceremony';
CREATE INDEX decision_case ON decision (case_id, number);
CREATE INDEX decision_subject ON decision (portal, subject);

-- Where a history is: that of a case, by its id, or of a portal's ceremonies. Its row is the lock that puts the
-- decisions on one case one after the other.
CREATE TABLE decision_round (
    history TEXT   NOT NULL PRIMARY KEY,
    number  BIGINT NOT NULL,
    round   BIGINT NOT NULL
);
