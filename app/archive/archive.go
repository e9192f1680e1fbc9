// Package archive holds everything that decisions follow from, in the order in
// which it can be verified: by Agora itself from its store, or by a stranger from
// a file and nothing else. Walk reads it from a store and Read from a file; a
// Writer makes the file and a Verifier recounts. What a stranger verifies is
// verified by the same code.
//
// People stand in it by numeric id only.
package archive

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
)

// Visitor takes the parts of an archive in their order: the header; then, for each
// community, its entries in the order of the chain with the unsealed ones behind,
// its policies, and its RFCs; then the end.
type Visitor interface {
	Header(Header) error
	Community(Community) error
	Entry(Entry) error
	Policy(Policy) error
	RFC(rfc.Dossier) error
	End() error
}

// Header says what is in the archive.
type Header struct {
	At time.Time `json:"at"` // when it was read, in UTC
	// Private tells that what belongs to private repositories is in it too.
	Private     bool        `json:"private"`
	Communities []Community `json:"communities"`
}

// Community is one account with the end of its chain.
type Community struct {
	Account int64      `json:"account"`
	Login   string     `json:"login,omitempty"`
	Head    audit.Head `json:"head"`
}

// Entry is one of the audit trail. Of one that is withheld, because it belongs to a
// private repository, there is only what holds its place in the chain.
type Entry struct {
	audit.Entry
	Withheld bool
}

// Policy is the one in force in a repository.
type Policy = community.PolicyRecord

// Scope narrows what is read. The zero value is everything public.
type Scope struct {
	Community int64 // 0 for all
	Private   bool  // also what belongs to private repositories
}

// Tx is what Walk needs of a transaction.
type Tx interface {
	audit.Trails
	rfc.Dossiers
	// Communities lists the accounts that anything was recorded of.
	Communities(ctx context.Context) ([]int64, error)
	Installation(ctx context.Context, account int64) (app.Installation, error)
	Repository(ctx context.Context, id int64) (app.Repository, error)
	// Policies lists those of a community's repositories by repository, from after one.
	Policies(ctx context.Context, community, after int64, limit int) ([]community.PolicyRecord, error)
	// RFCIDs lists a community's RFCs by their ids in the store.
	RFCIDs(ctx context.Context, community int64) ([]int64, error)
}

// Store gives one consistent look.
type Store interface {
	View(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
}

// Walk shows the visitor what a store holds, from one consistent look at it, in
// memory that one RFC and some entries need.
func Walk(ctx context.Context, tx Tx, scope Scope, at time.Time, visitor Visitor) error {
	header := Header{At: at.UTC(), Private: scope.Private}
	accounts, err := tx.Communities(ctx)
	if err != nil {
		return err
	}
	var walks []walk
	for _, account := range accounts {
		if scope.Community != 0 && scope.Community != account {
			continue
		}
		w, err := newWalk(ctx, tx, scope, account, visitor)
		if err != nil {
			return err
		}
		walks = append(walks, w)
		header.Communities = append(header.Communities, w.community)
	}
	if err := visitor.Header(header); err != nil {
		return err
	}
	for _, w := range walks {
		if err := w.all(ctx); err != nil {
			return fmt.Errorf("reading the records of %d: %w", w.community.Account, err)
		}
	}
	return visitor.End()
}

// walk reads one community.
type walk struct {
	tx        Tx
	visitor   Visitor
	community Community
	everyone  bool // nothing is withheld
	reached   bool // the App is installed, so that GitHub tells what is private
	public    map[string]bool
}

func newWalk(ctx context.Context, tx Tx, scope Scope, account int64, visitor Visitor) (w walk, err error) {
	w = walk{tx: tx, visitor: visitor, everyone: scope.Private, public: map[string]bool{}}
	w.community.Account = account
	if w.community.Head, err = tx.AuditHead(ctx, account); err != nil {
		return w, err
	}
	installation, err := tx.Installation(ctx, account)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return w, err
	}
	w.community.Login = installation.Account.Login
	w.reached = err == nil && !installation.Suspended && !installation.Removed
	return w, nil
}

func (w walk) all(ctx context.Context) error {
	if err := w.visitor.Community(w.community); err != nil {
		return err
	}
	err := audit.Each(ctx, w.tx, w.community.Account, func(e audit.Entry) error {
		shown, err := w.shows(ctx, e)
		if err != nil {
			return err
		}
		if !shown && e.Seq == 0 {
			return nil // it holds no place yet
		}
		if !shown {
			e = audit.Entry{Seq: e.Seq, Community: e.Community, Hash: e.Hash, Chain: e.Chain}
		}
		return w.visitor.Entry(Entry{Entry: e, Withheld: !shown})
	})
	if err != nil {
		return err
	}
	if err := w.policies(ctx); err != nil {
		return err
	}
	return w.rfcs(ctx)
}

func (w walk) policies(ctx context.Context) error {
	const atOnce = 50
	for after, more := int64(0), true; more; {
		policies, err := w.tx.Policies(ctx, w.community.Account, after, atOnce)
		if err != nil {
			return err
		}
		for _, policy := range policies {
			after = policy.Repository
			shown, err := w.showsRepository(ctx, policy.Repository)
			if err == nil && shown && policy.Known() {
				err = w.visitor.Policy(policy)
			}
			if err != nil {
				return err
			}
		}
		more = len(policies) == atOnce
	}
	return nil
}

func (w walk) rfcs(ctx context.Context) error {
	ids, err := w.tx.RFCIDs(ctx, w.community.Account)
	if err != nil {
		return err
	}
	for _, id := range ids {
		dossier, err := rfc.LoadDossier(ctx, w.tx, id)
		if err != nil {
			return err
		}
		shown, err := w.showsRepository(ctx, dossier.RFC.Ref.Repository)
		if err == nil && shown {
			err = w.visitor.RFC(dossier)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shows reports whether an entry may be shown, by what it is about. What is not
// known to be public is withheld.
func (w walk) shows(ctx context.Context, e audit.Entry) (bool, error) {
	if w.everyone {
		return true, nil
	}
	kind, rest, _ := strings.Cut(e.Subject, "/")
	name, _, _ := strings.Cut(rest, "/")
	id, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return false, nil
	}
	switch kind {
	case "member":
		return e.Kind == "joined" || e.Kind == "left", nil
	case "repository", "pull":
		return w.showsRepository(ctx, id)
	case "rfc":
		return w.remember(e.Subject, func() (bool, error) {
			r, err := w.tx.RFC(ctx, id)
			if err != nil {
				return false, err
			}
			return w.showsRepository(ctx, r.Ref.Repository)
		})
	}
	return false, nil
}

// showsRepository reports whether anybody may see what belongs to a repository.
func (w walk) showsRepository(ctx context.Context, id int64) (bool, error) {
	if w.everyone {
		return true, nil
	}
	return w.remember(fmt.Sprintf("repository/%d", id), func() (bool, error) {
		repository, err := w.tx.Repository(ctx, id)
		return w.reached && repository.Public(), err
	})
}

// remember asks once; what is not there is not shown.
func (w walk) remember(subject string, ask func() (bool, error)) (bool, error) {
	if shown, known := w.public[subject]; known {
		return shown, nil
	}
	shown, err := ask()
	if app.Is(err, app.CodeNotFound) {
		shown, err = false, nil
	}
	if err == nil {
		w.public[subject] = shown
	}
	return shown, err
}
