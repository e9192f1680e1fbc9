package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/handlers/web"
	"github.com/agora-rfc/agora/store"
)

func TestTheGateIsOneWithTheServer(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "agora.db"), store.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	must(t, s.Migrate(t.Context()))
	must(t, s.RFC().InTx(t.Context(), func(ctx context.Context, tx rfc.Tx) error {
		acme := app.Account{ID: 77, Login: "acme", Organization: true}
		if err := tx.SaveInstallation(ctx, app.Installation{ID: 5, Account: acme}); err != nil {
			return err
		}
		if err := tx.SaveRepository(ctx, app.Repository{ID: 9, Owner: acme, Name: "app", Installation: 5}); err != nil {
			return err
		}
		for number, state := range map[int]rfc.State{1: rfc.Accepted, 2: rfc.Open} {
			r := &rfc.RFC{Community: 77, Number: number, State: state, Ref: app.IssueRef{Repository: 9, Number: number}, Kind: rfc.KindIssue}
			if err := tx.SaveRFC(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}))
	server := httptest.NewServer(web.New(web.Options{Store: s.RFC(), Clock: time.Now, PublicURL: "https://agora.example"}))
	t.Cleanup(server.Close)
	for query, want := range map[string]struct {
		passed bool
		state  string
		reason string
	}{
		"repo=acme/app&rfc=1&require=accepted":    {true, "accepted", "RFC-1"},
		"repo=acme/app&rfc=1&require=implemented": {false, "accepted", "not implemented yet"},
		"repo=acme/app&rfc=2&require=accepted":    {false, "open", "RFC-2"},
		"repo=acme/app&rfc=3&require=accepted":    {false, "", "knows of no such"},
		"repo=acme/app&pull=3&require=accepted":   {false, "", "knows of no such"},
	} {
		answer, err := ask(t.Context(), server.URL, query, t.Output())
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if answer.passed() != want.passed || answer.State != want.state || !strings.Contains(answer.Reason, want.reason) {
			t.Errorf("%s: %+v, want %+v", query, answer, want)
		}
	}
	_, err = ask(t.Context(), server.URL, "repo=acme/app&require=accepted", t.Output())
	var exit exitError
	if !errors.As(err, &exit) || exit.status != statusUsage {
		t.Errorf("a question about nothing: %v, want a usage error", err)
	}
}
