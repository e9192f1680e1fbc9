-- +goose Up
-- What decides and what is looked up has a column; the rest of each thing is
-- JSON in its body, read only by the program.

CREATE TABLE installations (
    account    BIGINT PRIMARY KEY,
    login_key  TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    body       BLOB   NOT NULL
);
CREATE INDEX installations_login ON installations (login_key);

CREATE TABLE repositories (
    id           BIGINT  PRIMARY KEY,
    account      BIGINT  NOT NULL,
    owner_key    TEXT    NOT NULL,
    name_key     TEXT    NOT NULL,
    private      BOOLEAN NOT NULL,
    installation BIGINT  NOT NULL, -- 0 when the App does not reach it
    updated_at   BIGINT  NOT NULL,
    body         BLOB    NOT NULL
);
CREATE INDEX repositories_account ON repositories (account);
CREATE INDEX repositories_name ON repositories (owner_key, name_key);

CREATE TABLE policies (
    repository BIGINT PRIMARY KEY,
    body       BLOB   NOT NULL
);

CREATE TABLE members (
    community  BIGINT NOT NULL,
    id         BIGINT NOT NULL,
    login      TEXT   NOT NULL, -- '' after erasure
    login_key  TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    body       BLOB   NOT NULL,
    PRIMARY KEY (community, id)
);
CREATE INDEX members_login ON members (community, login_key);

CREATE TABLE ledger (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    community BIGINT NOT NULL,
    member    BIGINT NOT NULL,
    actor     BIGINT NOT NULL, -- 0 for Agora itself
    kind      TEXT   NOT NULL,
    points    BIGINT NOT NULL, -- ten-thousandths
    factor    BIGINT NOT NULL, -- the actor's, in ten-thousandths
    at        BIGINT NOT NULL,
    voids     BIGINT NOT NULL, -- id of the entry that counts no longer, or 0
    source    TEXT   NOT NULL,
    note      TEXT   NOT NULL,
    UNIQUE (community, source)
);
CREATE INDEX ledger_member ON ledger (community, member, id);

-- The last number given, by community and purpose.
CREATE TABLE counters (
    community BIGINT NOT NULL,
    purpose   TEXT   NOT NULL,
    value     BIGINT NOT NULL,
    PRIMARY KEY (community, purpose)
);

CREATE TABLE audit (
    community BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    subject   TEXT   NOT NULL,
    chain     TEXT   NOT NULL, -- hash of the entry's hash and the chain before it
    body      BLOB   NOT NULL,
    PRIMARY KEY (community, seq)
);
CREATE INDEX audit_subject ON audit (community, subject, seq);

CREATE TABLE rfcs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    version    BIGINT NOT NULL,
    community  BIGINT NOT NULL,
    number     BIGINT NOT NULL, -- 0 until it first opens
    state      TEXT   NOT NULL,
    type       TEXT   NOT NULL,
    repository BIGINT NOT NULL,
    issue      BIGINT NOT NULL,
    body       BLOB   NOT NULL,
    UNIQUE (repository, issue)
);
CREATE UNIQUE INDEX rfcs_number ON rfcs (community, number) WHERE number > 0;
CREATE INDEX rfcs_community ON rfcs (community, id);

CREATE TABLE rounds (
    rfc    BIGINT NOT NULL REFERENCES rfcs (id),
    number BIGINT NOT NULL,
    body   BLOB   NOT NULL,
    PRIMARY KEY (rfc, number)
);

CREATE TABLE electorate (
    rfc        BIGINT  NOT NULL,
    round      BIGINT  NOT NULL,
    voter      BIGINT  NOT NULL,
    login      TEXT    NOT NULL,
    reputation BIGINT  NOT NULL,
    weight     BIGINT  NOT NULL, -- hundredths
    regular    BOOLEAN NOT NULL,
    PRIMARY KEY (rfc, round, voter),
    FOREIGN KEY (rfc, round) REFERENCES rounds (rfc, number) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE acts (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    rfc     BIGINT NOT NULL,
    round   BIGINT NOT NULL,
    voter   BIGINT NOT NULL,
    login   TEXT   NOT NULL,
    choice  TEXT   NOT NULL,
    channel TEXT   NOT NULL,
    source  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    seen    BIGINT NOT NULL,
    url     TEXT   NOT NULL,
    reason  TEXT   NOT NULL,
    concern BIGINT NOT NULL,
    UNIQUE (rfc, round, channel, source, choice, at),
    FOREIGN KEY (rfc, round) REFERENCES rounds (rfc, number) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE pulls (
    repository BIGINT  NOT NULL,
    number     BIGINT  NOT NULL,
    community  BIGINT  NOT NULL,
    head_sha   TEXT    NOT NULL,
    open       BOOLEAN NOT NULL,
    updated_at BIGINT  NOT NULL, -- GitHub's instant
    body       BLOB    NOT NULL,
    PRIMARY KEY (repository, number)
);

-- Which pull request ever named which RFC.
CREATE TABLE pull_bindings (
    repository BIGINT NOT NULL,
    number     BIGINT NOT NULL,
    community  BIGINT NOT NULL,
    rfc_number BIGINT NOT NULL,
    PRIMARY KEY (repository, number, rfc_number),
    FOREIGN KEY (repository, number) REFERENCES pulls (repository, number)
);
CREATE INDEX pull_bindings_rfc ON pull_bindings (community, rfc_number);

CREATE TABLE checks (
    repository BIGINT NOT NULL,
    head_sha   TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    body       BLOB   NOT NULL,
    PRIMARY KEY (repository, head_sha, name)
);

-- Which merge group's check answers for which pull requests.
CREATE TABLE merge_group_pulls (
    repository BIGINT NOT NULL,
    head_sha   TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    number     BIGINT NOT NULL,
    PRIMARY KEY (repository, number, head_sha, name),
    FOREIGN KEY (repository, head_sha, name) REFERENCES checks (repository, head_sha, name)
);

CREATE TABLE written_comments (
    repository BIGINT NOT NULL,
    issue      BIGINT NOT NULL,
    key        TEXT   NOT NULL,
    body       BLOB   NOT NULL,
    PRIMARY KEY (repository, issue, key)
);

-- What ran of a comment's commands.
CREATE TABLE command_runs (
    repository BIGINT NOT NULL,
    comment    BIGINT NOT NULL,
    body       BLOB   NOT NULL,
    PRIMARY KEY (repository, comment)
);

-- +goose Down
DROP TABLE command_runs;
DROP TABLE written_comments;
DROP TABLE merge_group_pulls;
DROP TABLE checks;
DROP TABLE pull_bindings;
DROP TABLE pulls;
DROP TABLE acts;
DROP TABLE electorate;
DROP TABLE rounds;
DROP TABLE rfcs;
DROP TABLE audit;
DROP TABLE counters;
DROP TABLE ledger;
DROP TABLE members;
DROP TABLE policies;
DROP TABLE repositories;
DROP TABLE installations;
