-- +goose Up
-- A round's acts are read in the order of their ids, thousands at a time.
CREATE INDEX acts_order ON acts (rfc, round, id);

-- +goose Down
DROP INDEX acts_order;
