-- +goose Up
-- By when they were done with: keys of deliveries are forgotten too.
CREATE INDEX deliveries_keys ON deliveries (finished_at) WHERE state = 'done' AND body IS NULL;

-- +goose Down
DROP INDEX deliveries_keys;
