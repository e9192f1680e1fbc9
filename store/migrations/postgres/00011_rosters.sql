-- +goose Up
-- Who had which permission on a repository when it was first set up: genesis comes
-- from nothing else. Where it was given before this step, there is no more of it.
CREATE TABLE rosters (
    community  BIGINT  NOT NULL,
    repository BIGINT  NOT NULL,
    entered    BOOLEAN NOT NULL,
    body       BYTEA   NOT NULL,
    PRIMARY KEY (community, repository)
);
INSERT INTO rosters (community, repository, entered, body)
SELECT r.account, r.id, TRUE, '{}'::bytea FROM repositories r
WHERE EXISTS (SELECT 1 FROM ledger l WHERE l.community = r.account AND l.source LIKE 'genesis/' || CAST(r.id AS TEXT) || '/%');

-- +goose Down
DROP TABLE rosters;
