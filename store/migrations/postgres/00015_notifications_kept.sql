-- +goose Up
-- What stays unread though the member's inbox was marked as read behind it, since it was
-- withheld there: that of a private repository, after a place.
CREATE TABLE notifications_kept (
    community  BIGINT NOT NULL,
    member     BIGINT NOT NULL,
    repository BIGINT NOT NULL,
    position   BIGINT NOT NULL,
    PRIMARY KEY (community, member, repository)
);

-- +goose Down
DROP TABLE notifications_kept;
