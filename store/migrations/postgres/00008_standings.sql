-- +goose Up
-- What counts of each member's entries, kept beside the ledger from which it follows.
CREATE TABLE balances (
    community  BIGINT NOT NULL,
    member     BIGINT NOT NULL,
    from_at    BIGINT NOT NULL, -- the instant from which it is right
    days       BYTEA  NOT NULL,
    PRIMARY KEY (community, member)
);

-- By which version they were made.
CREATE TABLE balances_made (
    community BIGINT PRIMARY KEY,
    version   TEXT   NOT NULL
);

CREATE INDEX ledger_actor ON ledger (actor, member, community); -- in this order: no scan of a community by it
CREATE INDEX ledger_voids ON ledger (community, member) WHERE voids <> 0;

-- Who is a member now, and who of these may stand on a leaderboard.
ALTER TABLE members ADD COLUMN active BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE members ADD COLUMN listed BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE members SET active = replace(convert_from(body, 'UTF8'), '\u0000', '')::json ->> 'left_at' IS NULL
    AND COALESCE(replace(convert_from(body, 'UTF8'), '\u0000', '')::json ->> 'joined_at', '0001-01-01T00:00:00Z') <> '0001-01-01T00:00:00Z';
UPDATE members SET listed = active AND replace(convert_from(body, 'UTF8'), '\u0000', '')::json ->> 'held_at' IS NULL
    AND COALESCE(replace(convert_from(body, 'UTF8'), '\u0000', '')::json ->> 'blocked', 'false') = 'false'
    AND COALESCE(replace(convert_from(body, 'UTF8'), '\u0000', '')::json -> 'opt_outs' ->> 'leaderboard', 'false') = 'false';
CREATE INDEX members_active ON members (community, id) WHERE active;
CREATE INDEX members_listed ON members (community, id) WHERE listed;

-- +goose Down
DROP INDEX members_listed;
DROP INDEX members_active;
ALTER TABLE members DROP COLUMN listed;
ALTER TABLE members DROP COLUMN active;
DROP INDEX ledger_voids;
DROP INDEX ledger_actor;
DROP TABLE balances_made;
DROP TABLE balances;
