-- +goose Up
-- Entries are appended without a lock and sealed later, in batches: seq and
-- chain are empty until then. Those from before are sealed anew, in their order.
ALTER TABLE audit RENAME TO audit_before;
DROP INDEX audit_subject;

CREATE TABLE audit (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    community BIGINT NOT NULL,
    subject   TEXT   NOT NULL,
    hash      TEXT   NOT NULL, -- of the body; '' for one from before this table
    seq       BIGINT,
    chain     TEXT,            -- hash of the entry's hash and the chain before it
    body      BYTEA  NOT NULL,
    UNIQUE (community, seq)
);
INSERT INTO audit (community, subject, hash, body)
SELECT community, subject, '', body FROM audit_before ORDER BY community, seq;
DROP TABLE audit_before;
CREATE INDEX audit_subject ON audit (community, subject, id);
CREATE INDEX audit_unsealed ON audit (id) WHERE seq IS NULL;

-- Where each community's chain ends.
CREATE TABLE audit_heads (
    community BIGINT PRIMARY KEY,
    seq       BIGINT NOT NULL,
    chain     TEXT   NOT NULL
);

DELETE FROM counters WHERE purpose = 'audit';

-- +goose Down
DROP TABLE audit_heads;
DROP TABLE audit;
CREATE TABLE audit (
    community BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    subject   TEXT   NOT NULL,
    chain     TEXT   NOT NULL,
    body      BYTEA  NOT NULL,
    PRIMARY KEY (community, seq)
);
CREATE INDEX audit_subject ON audit (community, subject, seq);
