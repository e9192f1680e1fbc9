package store

import (
	"context"

	"github.com/agora-rfc/agora/app/archive"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/app/recovery"
	"github.com/agora-rfc/agora/app/rfc"
)

// Port is the store in the shape in which a domain asks for it: T is the
// domain's own view of a transaction.
type Port[T any] struct {
	store *Store
	shape func(*Tx) T
}

// InTx is Store.InTx.
func (p Port[T]) InTx(ctx context.Context, do func(ctx context.Context, tx T) error) error {
	return p.store.InTx(ctx, func(ctx context.Context, tx *Tx) error { return do(ctx, p.shape(tx)) })
}

// View is Store.View.
func (p Port[T]) View(ctx context.Context, do func(ctx context.Context, tx T) error) error {
	return p.store.View(ctx, func(ctx context.Context, tx *Tx) error { return do(ctx, p.shape(tx)) })
}

// Community is the store as communities need it.
func (s *Store) Community() Port[community.Tx] {
	return Port[community.Tx]{s, func(tx *Tx) community.Tx { return tx }}
}

// Commands is the store as the runner of slash commands needs it.
func (s *Store) Commands() Port[command.Tx] {
	return Port[command.Tx]{s, func(tx *Tx) command.Tx { return tx }}
}

// RFC is the store as RFCs need it.
func (s *Store) RFC() Port[rfc.Tx] {
	return Port[rfc.Tx]{s, func(tx *Tx) rfc.Tx { return tx }}
}

// Recovery is the store as the recovery of lost deliveries needs it.
func (s *Store) Recovery() Port[recovery.Tx] {
	return Port[recovery.Tx]{s, func(tx *Tx) recovery.Tx { return tx }}
}

// Notifications is the store as notifications need it.
func (s *Store) Notifications() Port[notification.Tx] {
	return Port[notification.Tx]{s, func(tx *Tx) notification.Tx { return tx }}
}

// Archive is the store as its archive is read.
func (s *Store) Archive() Port[archive.Tx] {
	return Port[archive.Tx]{s, func(tx *Tx) archive.Tx { return tx }}
}

var (
	_ archive.Store   = Port[archive.Tx]{}
	_ community.Store = Port[community.Tx]{}
	_ command.Store   = Port[command.Tx]{}

	_ notification.Store = Port[notification.Tx]{}

	_ recovery.Store = Port[recovery.Tx]{}
	_ rfc.Store      = Port[rfc.Tx]{}
)
