-- +goose Up
-- Webhooks whose receiver wants no more, by a digest of their configuration.
CREATE TABLE closed_webhooks (
    webhook TEXT   PRIMARY KEY,
    at      BIGINT NOT NULL
);

-- +goose Down
DROP TABLE closed_webhooks;
