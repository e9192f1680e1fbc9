-- +goose Up
-- What the replicas share of each installation of the App (0: the App itself):
-- by kind, the instant up to which a budget is spent, requests are paused, or
-- the installation is left alone.
CREATE TABLE budgets (
    installation BIGINT NOT NULL,
    kind         TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (installation, kind)
);

-- How far something was read that has no place of its own.
CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    at   BIGINT NOT NULL
);

-- How many commands a person gave in a community, by GitHub's minute.
CREATE TABLE command_rates (
    community BIGINT NOT NULL,
    member    BIGINT NOT NULL,
    minute    BIGINT NOT NULL,
    given     BIGINT NOT NULL,
    PRIMARY KEY (community, member, minute)
);
CREATE INDEX command_rates_minute ON command_rates (minute);

-- +goose Down
DROP TABLE command_rates;
DROP TABLE cursors;
DROP TABLE budgets;
