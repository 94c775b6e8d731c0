-- +goose Up
-- How often something was tried in the window under way, shared by all replicas.
CREATE TABLE throttle (
    rule  TEXT   NOT NULL,
    who   TEXT   NOT NULL, -- keyed digest of whom it is counted for: fixed length, and nobody's address
    count BIGINT NOT NULL,
    ends  TEXT   NOT NULL, -- when the window ends
    PRIMARY KEY (rule, who)
);
CREATE INDEX throttle_ends ON throttle (ends);
