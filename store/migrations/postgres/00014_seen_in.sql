-- +goose Up
-- The repository that a member is known from; 0 is for everybody to know.
ALTER TABLE members ADD COLUMN seen_in BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE members DROP COLUMN seen_in;
