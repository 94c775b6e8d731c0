-- +goose Up
-- Passwords: a hash that is slow to guess, encrypted under a key that the database does not hold.
CREATE TABLE login_password (
    account     TEXT NOT NULL PRIMARY KEY REFERENCES account (id),
    portal      TEXT NOT NULL,
    address_key TEXT NOT NULL,
    locked      TEXT NOT NULL, -- argon2id in PHC's form, encrypted
    set_at      TEXT NOT NULL
);
CREATE INDEX login_password_address ON login_password (portal, address_key);

-- Sign-ins of which the password was right and the code is awaited.
CREATE TABLE login_challenge (
    id      TEXT   NOT NULL PRIMARY KEY,
    hash    TEXT   NOT NULL UNIQUE, -- SHA-256 of the secret that the browser holds
    portal  TEXT   NOT NULL,
    account TEXT   NOT NULL REFERENCES account (id),
    epoch   BIGINT NOT NULL, -- of the account when the password was given
    channel TEXT   NOT NULL CHECK (channel IN ('', 'mail', 'sms')),
    state   TEXT   NOT NULL CHECK (state IN ('open', 'used')),
    made_at TEXT   NOT NULL,
    expires TEXT   NOT NULL
);
CREATE INDEX login_challenge_expires ON login_challenge (expires);

CREATE TABLE session (
    id       TEXT   NOT NULL PRIMARY KEY,
    hash     TEXT   NOT NULL UNIQUE, -- SHA-256 of the secret that the browser holds
    portal   TEXT   NOT NULL,
    account  TEXT   NOT NULL REFERENCES account (id),
    epoch    BIGINT NOT NULL, -- of the account when it began: with another, it has ended
    strength BIGINT NOT NULL,
    device   TEXT   NOT NULL, -- browser and system, in two words
    address  TEXT   NOT NULL, -- where from, shortened to a network
    made_at  TEXT   NOT NULL,
    seen_at  TEXT   NOT NULL,
    idle_s   BIGINT NOT NULL, -- seconds without a request after which it has ended
    expires  TEXT   NOT NULL,
    ended_at TEXT   NOT NULL  -- signed out, or ended from elsewhere; '' while neither
);
CREATE INDEX session_account ON session (account, ended_at, address);
CREATE INDEX session_expires ON session (expires);
