package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"golang.org/x/sync/errgroup"
)

// Writers that come at once share commits, and none of them what befalls another:
// neither an error, nor a panic, nor a caller who loses patience in the middle.
func TestWritersShareACommitAndNothingElse(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		refused := errors.New("refused")
		write := func(ctx context.Context, source string, then func(ctx context.Context) error) error {
			return s.InTx(ctx, func(ctx context.Context, tx rfc.Tx) error {
				_, err := tx.AddEntry(ctx, acme, community.Entry{Member: 1, Kind: config.VoteCast, At: now, Source: source})
				if err != nil {
					return err
				}
				return then(ctx)
			})
		}
		var group errgroup.Group
		for caller := range 24 {
			group.Go(func() error {
				for i := range 20 {
					source := fmt.Sprintf("%d/%d", caller, i)
					switch (caller + i) % 6 {
					case 0:
						if err := write(t.Context(), "refused/"+source, func(context.Context) error { return refused }); !errors.Is(err, refused) {
							return fmt.Errorf("what is refused returns %w", err)
						}
					case 1:
						func() {
							defer func() { _ = recover() }()
							_ = write(t.Context(), "panicked/"+source, func(context.Context) error { panic("bug") })
						}()
					case 2:
						ctx, cancel := context.WithCancel(t.Context())
						err := write(ctx, "left/"+source, func(ctx context.Context) error {
							cancel()
							return write(ctx, "left/again/"+source, func(context.Context) error { return nil })
						})
						if err == nil {
							return errors.New("who left is told that it was done")
						}
					default:
						if err := write(t.Context(), "done/"+source, func(context.Context) error { return nil }); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		must(t, group.Wait())
		done := 0
		for _, e := range view(t, s, func(ctx context.Context, tx rfc.Tx) ([]community.Entry, error) { return tx.Ledger(ctx, acme, 1) }) {
			if !strings.HasPrefix(e.Source, "done/") {
				t.Errorf("%s was kept", e.Source)
			}
			done++
		}
		if done != 24*20/2 {
			t.Errorf("%d of %d were kept", done, 24*20/2)
		}
	})
}

// A part of a part that fails leaves the parts around it to fail by themselves.
func TestPartsOfPartsFailByThemselves(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		refused := errors.New("refused")
		add := func(ctx context.Context, tx rfc.Tx, source string) error {
			_, err := tx.AddEntry(ctx, acme, community.Entry{Member: 1, Kind: config.VoteCast, At: now, Source: source})
			return err
		}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			err := s.InTx(ctx, func(ctx context.Context, tx rfc.Tx) error {
				if err := add(ctx, tx, "outer"); err != nil {
					return err
				}
				return s.InTx(ctx, func(ctx context.Context, tx rfc.Tx) error {
					return errors.Join(add(ctx, tx, "inner"), refused)
				})
			})
			if !errors.Is(err, refused) {
				return err
			}
			return add(ctx, tx, "after")
		})
		kept := view(t, s, func(ctx context.Context, tx rfc.Tx) ([]community.Entry, error) { return tx.Ledger(ctx, acme, 1) })
		if len(kept) != 1 || kept[0].Source != "after" {
			t.Errorf("kept %+v", kept)
		}
	})
}
