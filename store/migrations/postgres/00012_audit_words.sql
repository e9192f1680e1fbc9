-- +goose Up
-- What people said for what the trail tells stands beside it: the entry has only the
-- digest, so that the words can go when the person does, and the chain still holds.
CREATE TABLE audit_words (
    entry   BIGINT PRIMARY KEY, -- id in audit
    account BIGINT NOT NULL,
    speaker BIGINT NOT NULL,
    words   TEXT   NOT NULL     -- after the salt and a space
);
CREATE INDEX audit_words_speaker ON audit_words (account, speaker);

-- +goose Down
DROP TABLE audit_words;
