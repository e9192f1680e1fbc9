package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/handlers/web"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

const publicURL = "https://agora.example"

var (
	opened = time.Date(2026, 10, 2, 18, 0, 0, 0, time.UTC)
	now    = opened.Add(24 * time.Hour)

	acme     = app.Account{ID: 100, Login: "Acme", Organization: true}
	hush     = app.Account{ID: 200, Login: "hush", Organization: true}
	public   = app.Repository{ID: 9, Owner: acme, Name: "rfcs", Installation: 5}
	private  = app.Repository{ID: 10, Owner: acme, Name: "vault", Private: true, Installation: 5}
	hushOnly = app.Repository{ID: 20, Owner: hush, Name: "secret", Private: true, Installation: 6}
)

// world is a server over a real store with two communities: Acme has a public and
// a private repository, hush only a private one.
type world struct {
	t       testing.TB
	store   rfc.Store
	handler http.Handler
	seal    func() // the audit trail
}

func newWorld(t testing.TB, adjust ...func(*web.Options)) *world {
	t.Helper()
	stored := storetest.Open(t, storetest.SQLite(t), store.Options{})
	s := stored.RFC()
	options := web.Options{
		Store: s, Clock: func() time.Time { return now }, PublicURL: publicURL + "/", Prover: prover{},
		Members: standings{},
	}
	for _, f := range adjust {
		f(&options)
	}
	w := &world{t: t, store: s, handler: web.New(options)}
	w.seal = func() {
		if _, err := stored.SealAudit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		var errs error
		for _, account := range []app.Account{acme, hush} {
			errs = errors.Join(errs, tx.SaveInstallation(ctx, app.Installation{ID: account.ID / 20, Account: account}))
		}
		for _, repository := range []app.Repository{public, private, hushOnly} {
			errs = errors.Join(errs, tx.SaveRepository(ctx, repository))
		}
		return errs
	})
	return w
}

// standings gives a member the reputation that the last two digits of the id say.
type standings struct{}

func (standings) Reputations(_ context.Context, account int64, members ...int64) (map[int64]int, error) {
	if account != acme.ID {
		return nil, fmt.Errorf("asked for account %d", account)
	}
	reputations := map[int64]int{}
	for _, member := range members {
		reputations[member] = int(member % 101)
	}
	return reputations, nil
}

func (standings) Stats(_ context.Context, scope community.Scope) (community.Stats, error) {
	if scope != (community.Scope{Community: acme.ID}) {
		return community.Stats{}, fmt.Errorf("asked for %+v", scope)
	}
	return measured, nil
}

func (standings) Engagement(_ context.Context, scope community.Scope, member int64) (int, error) {
	if scope != (community.Scope{Community: acme.ID}) {
		return 0, fmt.Errorf("asked for %+v", scope)
	}
	return int(member) - 19, nil
}

// Leaderboard ranks three members; the first has half a point less than the days asked for.
func (standings) Leaderboard(_ context.Context, scope community.Scope, by community.LeaderboardOrder, days, limit, offset int) ([]community.Place, error) {
	if scope != (community.Scope{Community: acme.ID}) {
		return nil, fmt.Errorf("asked for %+v", scope)
	}
	points := int64(days) * community.Scale
	if by == community.ByReputation {
		points = 0
	}
	var places []community.Place
	for id := int64(1); id <= 3; id++ {
		places = append(places, community.Place{Rank: int(id), Member: id, Login: fmt.Sprintf("member-%d", id), Points: points - id*community.Scale/2, Reputation: int(id)})
	}
	places = places[min(offset, 3):]
	return places[:min(limit, len(places))], nil
}

// prover takes "repository-N" for a token of repository N.
type prover struct{}

func (prover) Proves(_ context.Context, token string) (int64, error) {
	var id int64
	switch _, err := fmt.Sscanf(token, "repository-%d", &id); {
	case token == "later":
		return 0, app.Errorf(app.CodeUnavailable, "The token cannot be checked now.")
	case err != nil:
		return 0, app.Errorf(app.CodeForbidden, "The token proves nothing.")
	}
	return id, nil
}

func (w *world) change(do func(ctx context.Context, tx rfc.Tx) error) {
	w.t.Helper()
	if err := w.store.InTx(w.t.Context(), do); err != nil {
		w.t.Fatal(err)
	}
}

// rfc saves an RFC with the given number and state in a repository.
func (w *world) rfc(number int, state rfc.State, repository app.Repository) *rfc.RFC {
	w.t.Helper()
	r := &rfc.RFC{
		Community: repository.Owner.ID, Number: number, State: state, Ref: app.IssueRef{Repository: repository.ID, Number: 400 + number},
		Kind: rfc.KindPull, Title: fmt.Sprintf("Title %d <b>&", number), Type: config.Standard, Author: app.User{ID: 1, Login: "maya"},
		URL: fmt.Sprintf("https://github.example/acme/rfcs/pull/%d", 400+number), OpenedAt: opened.AddDate(0, 0, -14), DiscussionEnds: opened,
		Bound: rfc.Text{Hash: "h", Head: "c0ffee"}, Text: rfc.Text{Hash: "h", Head: "c0ffee"},
	}
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		return errors.Join(tx.SaveRFC(ctx, r), tx.AppendAudit(ctx, audit.Entry{
			Community: r.Community, Subject: r.Subject(), At: r.OpenedAt, Actor: 1, Kind: "state", From: "draft", To: "open", Reason: "labelled <i>", PolicyVersion: "9f3c2ab41d20",
		}))
	})
	return r
}

// voting gives the RFC a round with an electorate of 60 and the ballots of
// The published sample: 31.52 for, 11.00 against, 4.00 abstaining.
func (w *world) voting(r *rfc.RFC) *rfc.Round {
	w.t.Helper()
	round := &rfc.Round{
		RFC: r.ID, Number: 1, Type: config.Standard, Policy: config.DefaultPolicy(), PolicyVersion: "9f3c2ab41d20",
		OpenedAt: opened, Planned: opened.AddDate(0, 0, 10), BallotURL: "https://github.example/acme/rfcs/pull/412#issuecomment-77",
	}
	reputations := []int{63, 63, 63, 63, 63, 63, 63, 63, 59, 67, 67, 66, 25, 25, 54}
	var voters []rfc.Voter
	for i := range 60 {
		reputation := 31
		if i < len(reputations) {
			reputation = reputations[i]
		}
		v := rfc.Voter{ID: int64(i + 1), Login: fmt.Sprintf("voter-%d", i+1), Reputation: reputation, Weight: int64(100 + 4*reputation), Regular: true}
		round.Heads, round.Eligible, round.Weight = round.Heads+1, round.Eligible+1, round.Weight+v.Weight
		voters = append(voters, v)
	}
	r.Round = 1
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		errs := errors.Join(tx.SaveRFC(ctx, r), tx.SaveRound(ctx, round), tx.SaveElectorate(ctx, r.ID, 1, voters))
		for i := range 14 {
			choice := rfc.Approve
			if i >= 12 {
				choice = rfc.Abstain
			} else if i >= 9 {
				choice = rfc.Reject
			}
			_, err := tx.AddAct(ctx, &rfc.Act{
				RFC: r.ID, Round: 1, Voter: app.User{ID: voters[i].ID, Login: voters[i].Login}, Choice: choice, Channel: rfc.ByComment,
				Source: int64(900 + i), At: opened.Add(time.Duration(i+1) * time.Minute), Seen: now, Reason: "because <script>",
				URL: fmt.Sprintf("https://github.example/acme/rfcs/pull/412#issuecomment-%d", 900+i),
			})
			errs = errors.Join(errs, err)
		}
		return errs
	})
	return round
}

func (w *world) member(id int64, login string, left bool) {
	w.t.Helper()
	m := community.Member{
		Community: acme.ID, ID: id, Login: login, Name: "Secret Name", JoinedAt: opened.AddDate(0, -1, 0).Add(123_456_789), JoinedBy: community.JoinedByCommand,
		Role: "moderator", Contributions: map[string]int{"rfc_accepted": 2}, HeldWhy: "private reason",
	}
	if left {
		m.LeftAt = now
	}
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.SaveMember(ctx, m) })
}

func (w *world) pull(pull rfc.Pull) {
	w.t.Helper()
	pull.Community, pull.Open = acme.ID, true
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.SavePull(ctx, pull) })
}

// get asks the server; headers are pairs of name and value.
func (w *world) get(path string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	request := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	return recorder
}

// json asks for a document and fails unless it comes with the status.
func (w *world) json(status int, path string, headers ...string) map[string]any {
	w.t.Helper()
	response := w.get(path, headers...)
	if response.Code != status {
		w.t.Fatalf("GET %s: status %d, want %d: %s", path, response.Code, status, response.Body)
	}
	kind := "application/json"
	if status >= 400 {
		kind = "application/problem+json"
	}
	if got := response.Header().Get("Content-Type"); !strings.HasPrefix(got, kind) && got != "application/openapi+json" {
		w.t.Errorf("GET %s: Content-Type %q, want %s", path, got, kind)
	}
	var document map[string]any
	if err := json.Unmarshal(response.Body.Bytes(), &document); err != nil {
		w.t.Fatalf("GET %s: %v", path, err)
	}
	return document
}

func text(t *testing.T, r *httptest.ResponseRecorder) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// at walks into a document: at(d, "quorum", "heads", "need").
func at(document any, keys ...string) any {
	for _, key := range keys {
		object, _ := document.(map[string]any)
		document = object[key]
	}
	return document
}
