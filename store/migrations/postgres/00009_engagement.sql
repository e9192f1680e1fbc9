-- +goose Up
-- What engagement counts by has a column beside the body. 0 stands for no instant.
ALTER TABLE members ADD COLUMN joined_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN left_at BIGINT NOT NULL DEFAULT 0;
UPDATE members SET
    joined_at = GREATEST(0, COALESCE(FLOOR(EXTRACT(EPOCH FROM (replace(convert_from(body, 'UTF8'), '\u0000', '')::json->>'joined_at')::timestamptz)), 0)::BIGINT * 1000000),
    left_at = GREATEST(0, COALESCE(FLOOR(EXTRACT(EPOCH FROM (replace(convert_from(body, 'UTF8'), '\u0000', '')::json->>'left_at')::timestamptz)), 0)::BIGINT * 1000000);
CREATE INDEX members_joined ON members (community, joined_at);

-- When an RFC was first opened, and first answered by another person. Those from
-- before this step are not measured: nobody noted when they were answered.
ALTER TABLE rfcs ADD COLUMN opened_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rfcs ADD COLUMN replied_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX rfcs_opened ON rfcs (community, opened_at);

-- When a vote decided a round, how, how many ballots counted, and N.
ALTER TABLE rounds ADD COLUMN decided_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rounds ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
ALTER TABLE rounds ADD COLUMN voters BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rounds ADD COLUMN heads BIGINT NOT NULL DEFAULT 0;

-- The sums are made from the indexes alone.
CREATE INDEX contributions_kind ON contributions (community, repository, kind, at);
DROP INDEX contributions_member;
CREATE INDEX contributions_member ON contributions (community, member, at, repository);

-- The issues of monthly digests: the intent is here before the issue, its number after.
CREATE TABLE digests (
    community BIGINT NOT NULL,
    target    TEXT   NOT NULL, -- a repository's id, or the name of one that is not known
    month     TEXT   NOT NULL, -- 2026-10
    body      BYTEA NOT NULL,
    PRIMARY KEY (community, target, month)
);

-- +goose Down
DROP TABLE digests;
DROP INDEX contributions_member;
CREATE INDEX contributions_member ON contributions (community, member, at);
DROP INDEX contributions_kind;
ALTER TABLE rounds DROP COLUMN heads;
ALTER TABLE rounds DROP COLUMN voters;
ALTER TABLE rounds DROP COLUMN outcome;
ALTER TABLE rounds DROP COLUMN decided_at;
DROP INDEX rfcs_opened;
ALTER TABLE rfcs DROP COLUMN replied_at;
ALTER TABLE rfcs DROP COLUMN opened_at;
DROP INDEX members_joined;
ALTER TABLE members DROP COLUMN left_at;
ALTER TABLE members DROP COLUMN joined_at;
