-- +goose Up
-- What happened, each thing once, however many members it is for.
CREATE TABLE notifications (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    community    BIGINT  NOT NULL,
    position     BIGINT,           -- among those of the community; NULL until it is given
    type         TEXT    NOT NULL,
    broadcast    BOOLEAN NOT NULL, -- for every member
    actor        BIGINT  NOT NULL, -- 0 for Agora itself
    repository   BIGINT  NOT NULL, -- 0 for the community at large
    rfc          BIGINT  NOT NULL, -- its number, 0 for none
    subject      TEXT    NOT NULL,
    title        TEXT    NOT NULL,
    text         TEXT    NOT NULL,
    url          TEXT    NOT NULL,
    at           BIGINT  NOT NULL,
    source       TEXT    NOT NULL,
    participants TEXT    NOT NULL, -- whom it is for, until it is in their inboxes
    mailed       BIGINT  NOT NULL, -- the last member for whom a letter was ordered
    UNIQUE (community, source)
);
CREATE INDEX notifications_new ON notifications (id) WHERE position IS NULL;
CREATE UNIQUE INDEX notifications_position ON notifications (community, position);
CREATE INDEX notifications_broadcast ON notifications (community, position) WHERE broadcast;
CREATE INDEX notifications_at ON notifications (at);

-- The inboxes, but for what is for every member.
CREATE TABLE notification_recipients (
    community  BIGINT NOT NULL,
    member     BIGINT NOT NULL,
    position   BIGINT NOT NULL,
    repository BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (community, member, position)
);
CREATE INDEX notification_recipients_at ON notification_recipients (at);

CREATE TABLE notification_settings (
    community     BIGINT NOT NULL,
    member        BIGINT NOT NULL,
    read_position BIGINT NOT NULL DEFAULT 0,
    mail          TEXT   NOT NULL DEFAULT 'off',
    address       TEXT   NOT NULL DEFAULT '',
    mail_position BIGINT NOT NULL DEFAULT 0, -- up to which no more letters are due
    digest_at     BIGINT,
    PRIMARY KEY (community, member)
);
CREATE INDEX notification_settings_mail ON notification_settings (community, member) WHERE mail = 'each';
CREATE INDEX notification_settings_digest ON notification_settings (digest_at) WHERE mail = 'digest';

-- +goose Down
DROP TABLE notification_settings;
DROP TABLE notification_recipients;
DROP TABLE notifications;
