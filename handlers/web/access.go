package web

import (
	"context"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
)

// nothing is the one answer for what does not exist and for what may not be seen:
// nobody can tell them apart.
var nothing = app.Errorf(app.CodeNotFound, NothingHere)

// NothingHere is the detail of every 404 of the API, by which a client knows that it
// was Agora who answered.
const NothingHere = "There is nothing here."

// hidden makes every "not found" of a look-up the same.
func hidden(err error) error {
	if app.Is(err, app.CodeNotFound) {
		return nothing
	}
	return err
}

// community finds an account that has the App installed and a public repository.
// Where the App is suspended or removed, nobody tells us any more what became
// private: nothing is shown.
func community(ctx context.Context, tx rfc.Tx, login string) (app.Account, error) {
	account, err := installed(ctx, tx, login)
	if err != nil {
		return account, err
	}
	repositories, err := tx.Repositories(ctx, account.ID)
	if err != nil {
		return account, hidden(err)
	}
	for _, repository := range repositories {
		if public(repository) {
			return account, nil
		}
	}
	return account, nothing
}

// public reports whether anybody may see what belongs to the repository.
func public(repository app.Repository) bool { return repository.Public() }

func installed(ctx context.Context, tx rfc.Tx, login string) (app.Account, error) {
	installation, err := tx.InstallationByLogin(ctx, login)
	if err != nil {
		return app.Account{}, hidden(err)
	}
	if installation.Removed || installation.Suspended {
		return app.Account{}, nothing
	}
	return installation.Account, nil
}

// numbered finds an RFC of a community that may be shown to anybody.
func numbered(ctx context.Context, tx rfc.Tx, login string, number int) (*rfc.RFC, error) {
	account, err := installed(ctx, tx, login)
	if err != nil {
		return nil, err
	}
	r, err := tx.RFCByNumber(ctx, account.ID, number)
	if err != nil {
		return nil, hidden(err)
	}
	repository, err := tx.Repository(ctx, r.Ref.Repository)
	if err != nil {
		return nil, hidden(err)
	}
	if !public(repository) {
		return nil, nothing
	}
	return r, nil
}

// summary is a view without its history: what a list shows of an RFC.
func (s *server) summary(ctx context.Context, tx rfc.Tx, r *rfc.RFC) (rfc.View, error) {
	v := rfc.View{RFC: r, Now: s.now()}
	err := v.LoadHome(ctx, tx)
	if err != nil {
		return v, hidden(err)
	}
	if err = v.LoadPolicy(ctx, tx); err != nil || r.Round == 0 {
		return v, err
	}
	if v.Round, err = tx.Round(ctx, r.ID, r.Round); err != nil {
		return v, fmt.Errorf("reading round %d of %s: %w", r.Round, r.Name(), err)
	}
	key := roundKey{r.ID, v.Round.Number}
	if result, known := s.closed.Get(key); known && v.Round.Closed() {
		v.Result = result
		return v, nil
	}
	if v.Result, err = s.recount(ctx, tx, r, v.Round); err != nil {
		return v, err
	}
	v.Result.Ballots = nil
	if v.Round.Closed() {
		s.closed.Add(key, v.Result)
	}
	return v, nil
}

// roundKey names a round.
type roundKey struct {
	rfc    int64
	number int
}

func newClosed() *lru.Cache[roundKey, rfc.Result] {
	cache, err := lru.New[roundKey, rfc.Result](closedKept)
	if err != nil { // the size is a positive constant
		panic(err)
	}
	return cache
}

// recount counts a round as it stands, or as it stood when it was closed.
func (s *server) recount(ctx context.Context, tx rfc.Tx, r *rfc.RFC, round *rfc.Round) (rfc.Result, error) {
	record := rfc.Record{Round: round, Author: r.Author.ID, Concerns: r.Concerns, Now: s.now()}
	if round.Closed() {
		record.Now = round.ClosedAt
	}
	var err error
	if record.Voters, err = tx.Electorate(ctx, r.ID, round.Number); err != nil {
		return rfc.Result{}, fmt.Errorf("reading the electorate of %s: %w", r.Name(), err)
	}
	if record.Acts, err = tx.Acts(ctx, r.ID, round.Number); err != nil {
		return rfc.Result{}, fmt.Errorf("reading the ballots of %s: %w", r.Name(), err)
	}
	return rfc.Recount(record), nil
}

// logins names people by numeric id, as far as they are members still.
func logins(ctx context.Context, tx rfc.Tx, community int64, ids []int64) (map[int64]string, error) {
	names := map[int64]string{}
	for _, id := range ids {
		if _, known := names[id]; known || id == 0 {
			continue
		}
		member, err := tx.Member(ctx, community, id)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return nil, err
		}
		names[id] = member.Login
	}
	return names, nil
}
