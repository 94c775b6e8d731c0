-- +goose Up
-- What this instance is: one row a name, such as the id that its keys and links are bound to.
CREATE TABLE instance (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
