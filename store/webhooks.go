package store

import (
	"context"
	"fmt"
)

// CloseWebhook notes that a webhook's receiver wants no more. It is known by a digest of
// its configuration: another one is another webhook.
func (tx *Tx) CloseWebhook(ctx context.Context, webhook string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO closed_webhooks (webhook, at) VALUES ($1, $2) ON CONFLICT (webhook) DO NOTHING`, clean(webhook), tx.now)
	if err != nil {
		return fmt.Errorf("noting that a webhook wants no more: %w", err)
	}
	return nil
}

// WebhookClosed tells whether the receiver wants no more.
func (tx *Tx) WebhookClosed(ctx context.Context, webhook string) (closed bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM closed_webhooks WHERE webhook = $1)`, clean(webhook)).Scan(&closed)
	if err != nil {
		err = fmt.Errorf("asking whether a webhook wants no more: %w", err)
	}
	return closed, err
}
