-- +goose Up
CREATE TABLE lanes (
    key         TEXT PRIMARY KEY,
    ready_at    BIGINT,
    lease_token TEXT,
    lease_until BIGINT
);
CREATE INDEX lanes_ready ON lanes (ready_at) WHERE lease_token IS NULL AND ready_at IS NOT NULL;
CREATE INDEX lanes_leased ON lanes (lease_until) WHERE lease_token IS NOT NULL;

CREATE TABLE deliveries (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    lane         TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    dedup_key    TEXT   UNIQUE,
    coalesce_key TEXT,
    body         BLOB,
    attempts     BIGINT NOT NULL DEFAULT 0,
    run_at       BIGINT NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('pending', 'running', 'done', 'parked')),
    error        TEXT   NOT NULL DEFAULT '',
    created_at   BIGINT NOT NULL,
    finished_at  BIGINT
);
CREATE INDEX deliveries_open ON deliveries (lane, id) WHERE state IN ('pending', 'running');
CREATE INDEX deliveries_running ON deliveries (lane) WHERE state = 'running';
CREATE INDEX deliveries_coalesce ON deliveries (lane, kind, coalesce_key) WHERE state = 'pending' AND coalesce_key IS NOT NULL;
CREATE INDEX deliveries_parked ON deliveries (id) WHERE state = 'parked';
CREATE INDEX deliveries_done ON deliveries (finished_at) WHERE state = 'done' AND body IS NOT NULL;

CREATE TABLE timers (
    key    TEXT PRIMARY KEY,
    due_at BIGINT NOT NULL,
    lane   TEXT   NOT NULL,
    kind   TEXT   NOT NULL,
    body   BLOB
);
CREATE INDEX timers_due ON timers (due_at, key);

-- +goose Down
DROP TABLE timers;
DROP TABLE deliveries;
DROP TABLE lanes;
