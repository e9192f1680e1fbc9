-- +goose Up
-- What members did, each thing once.
CREATE TABLE contributions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    community   BIGINT NOT NULL,
    member      BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    repository  BIGINT NOT NULL, -- where it was done
    counterpart BIGINT NOT NULL, -- whose work it was about, 0 for nobody's
    at          BIGINT NOT NULL,
    source      TEXT   NOT NULL,
    url         TEXT   NOT NULL, -- '' after erasure
    UNIQUE (community, source)
);
CREATE INDEX contributions_member ON contributions (community, member, at);
CREATE INDEX contributions_at ON contributions (community, at);

-- Who left, and in which processed deliveries they are still to be erased.
CREATE TABLE erasures (
    community BIGINT NOT NULL,
    member    BIGINT NOT NULL,
    login     TEXT   NOT NULL,
    left_at   BIGINT NOT NULL,
    PRIMARY KEY (community, member)
);

-- +goose Down
DROP TABLE erasures;
DROP TABLE contributions;
