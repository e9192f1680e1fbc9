-- +goose Up
-- A round's acts are read in the order of their ids, thousands at a time.
CREATE INDEX acts_order ON acts (rfc, round, id);

-- One commit may be the head of several pull requests.
CREATE INDEX pulls_head ON pulls (repository, head_sha);

-- +goose Down
DROP INDEX pulls_head;
DROP INDEX acts_order;
