package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
	"golang.org/x/sync/errgroup"
)

func TestNumbersAndTrailsHaveNoGaps(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		const writers, each = 4, 15
		var numbers atomic.Int64
		group, ctx := errgroup.WithContext(t.Context())
		for range writers {
			group.Go(func() error {
				for i := range each {
					err := s.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
						n, err := tx.NextNumber(ctx, acme)
						if err != nil {
							return err
						}
						err = tx.AppendAudit(ctx, audit.Entry{Community: acme, Subject: "rfc/1", At: clock.now(), Kind: "state",
							Inputs: audit.Inputs(map[string]any{"text": "<b>\x00 & ünï", "n": n})})
						if i%3 == 0 && err == nil {
							return errors.New("changed my mind")
						}
						if err == nil {
							numbers.Add(int64(n))
						}
						return err
					})
					if err != nil && i%3 != 0 {
						return err
					}
				}
				return nil
			})
		}
		must(t, group.Wait())
		const kept = writers * each * 2 / 3
		if numbers.Load() != kept*(kept+1)/2 {
			t.Errorf("the numbers sum to %d, want 1 to %d once each", numbers.Load(), kept)
		}
		sealed, err := s.SealAudit(t.Context())
		must(t, err)
		entries, broken := storetest.VerifyAudit(t, s)
		if sealed != kept {
			t.Errorf("sealed %d of %d", sealed, kept)
		}
		if entries != kept || len(broken) != 0 {
			t.Errorf("verified %d entries of %d: %v", entries, kept, broken)
		}
		var trail []audit.Entry
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			must(t, tx.AppendAudit(ctx, audit.Entry{Community: acme, Subject: "rfc/1", At: clock.now(), Kind: "last"}))
			trail, err = tx.RecentAudit(ctx, acme, "rfc/1", 2)
			return err
		}))
		if len(trail) != 2 || trail[0].Seq == 0 || trail[1].Kind != "last" || trail[1].Seq != 0 || trail[1].Hash == "" {
			t.Errorf("the end of the trail: %+v", trail)
		}
		page := view(t, s.RFC(), func(ctx context.Context, tx rfc.Tx) ([]audit.Entry, error) {
			return tx.Audit(ctx, acme, "rfc/1", trail[0].ID, 0)
		})
		if len(page) != 1 || page[0].Kind != "last" {
			t.Errorf("the page after entry %d: %+v", trail[0].ID, page)
		}
	})
}

func TestAPartThatFailsIsUndoneAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		refused := errors.New("refused")
		part := func(ctx context.Context, id int64, result error) error {
			return s.InTx(ctx, func(ctx context.Context, tx rfc.Tx) error {
				return errors.Join(result,
					tx.SaveMember(ctx, community.Member{Community: acme, ID: id}),
					tx.AppendAudit(ctx, audit.Entry{Community: acme, Subject: community.MemberSubject(id), At: now}),
					tx.SaveRFC(ctx, &rfc.RFC{Community: acme, Ref: app.IssueRef{Repository: 9, Number: int(id)}}))
			})
		}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			must(t, part(ctx, 1, nil))
			if err := part(ctx, 2, refused); !errors.Is(err, refused) {
				t.Errorf("the part's error is %v", err)
			}
			if err := part(ctx, 1, nil); !app.Is(err, app.CodeConflict) { // the database itself refuses it
				t.Errorf("the conflicting part's error is %v", err)
			}
			return part(ctx, 3, nil)
		})
		var kept []int64
		for _, m := range view(t, s, func(ctx context.Context, tx rfc.Tx) ([]community.Member, error) { return tx.Members(ctx, acme) }) {
			kept = append(kept, m.ID)
		}
		same(t, "the members", []int64{1, 3}, kept)
		var noted []int64
		for id := int64(1); id <= 3; id++ {
			for _, e := range view(t, s, func(ctx context.Context, tx rfc.Tx) ([]audit.Entry, error) {
				return tx.Audit(ctx, acme, community.MemberSubject(id), 0, 0)
			}) {
				noted = append(noted, id)
				same(t, "the subject", community.MemberSubject(id), e.Subject)
			}
		}
		same(t, "the trail", []int64{1, 3}, noted)
	})
}

func TestAViewChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		for name, write := range map[string]func(context.Context, rfc.Tx) error{
			"SaveMember": func(ctx context.Context, tx rfc.Tx) error {
				return tx.SaveMember(ctx, community.Member{Community: acme, ID: 1})
			},
			"AppendAudit": func(ctx context.Context, tx rfc.Tx) error {
				return tx.AppendAudit(ctx, audit.Entry{Community: acme, At: now})
			},
			"InTx": func(ctx context.Context, _ rfc.Tx) error {
				return s.InTx(ctx, func(context.Context, rfc.Tx) error { return nil })
			},
		} {
			if err := s.View(t.Context(), write); err == nil {
				t.Errorf("%s in a view was accepted", name)
			}
		}
	})
}
