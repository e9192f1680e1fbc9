package rfc

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
)

// The kinds of queue entries that RFCs put into lanes.
const (
	TickKind        = "rfc.tick"        // look at the RFC: its clock, its reactions
	RefreshKind     = "rfc.refresh"     // read the issue again, whole
	PublishKind     = "rfc.publish"     // make GitHub show what is true
	CheckKind       = "rfc.check"       // make a commit's check true
	ImplementedKind = "rfc.implemented" // a merged pull request said so
	SupersededKind  = "rfc.superseded"  // an accepted RFC said so
	VoidKind        = "rfc.void"        // a voter was blocked or held
	ForgetKind      = "rfc.forget"      // a person left
	LikesKind       = "rfc.likes"       // a decision was made: read who liked whose comments
)

// Options are what a Service is made of.
type Options struct {
	Store     Store
	Community *community.Service
	Repos     func(app.Repository) GitHub
	Identity  Identity
	// InstallationOf finds the App's installation on a repository; app.CodeNotFound when
	// it is not there.
	InstallationOf func(ctx context.Context, owner, name string) (int64, error)
	Renderer       Renderer
	Clock          app.Clock
	// ReactionPoll is the shortest interval between two readings of reactions.
	ReactionPoll time.Duration
	// PublicURL is where people reach Agora's pages, without a slash at the end.
	PublicURL string
}

// Service takes RFCs through their lifecycle.
type Service struct {
	Options
	// Runner carries out the commands of comments, Agora's own among them; it is set
	// once, after the handlers it calls are made.
	Runner interface {
		Handle(ctx context.Context, in command.Incoming) error
		GiveUp(ctx context.Context, in command.Incoming, reason string) error
		Concerns(body string) bool
	}
	labelling sync.Map // the repositories whose labels are being made here, by id
}

// New makes the service.
func New(options Options) *Service {
	if options.ReactionPoll <= 0 {
		options.ReactionPoll = time.Minute
	}
	return &Service{Options: options}
}

// now is the clock in UTC, as finely as the store keeps it.
func (s *Service) now() time.Time { return s.Clock().UTC().Truncate(time.Microsecond) }

// Order is the body of the entries above: which issue, and what happened.
type Order struct {
	Ref app.IssueRef `json:"ref"`
	// SHA names the commit of a check, and Before the head of the branch until it was pushed.
	SHA    string `json:"sha,omitempty"`
	Before string `json:"before,omitempty"`
	// By says what implemented or superseded it, or why a voter is void.
	By     string `json:"by,omitempty"`
	Number int    `json:"number,omitempty"`
	// Pull is the pull request that implements it.
	Pull app.IssueRef `json:"pull,omitzero"`
	User int64        `json:"user,omitempty"`
	At   time.Time    `json:"at,omitzero"`
	// Spaced tells a publishing that only shows votes.
	Spaced bool `json:"spaced,omitempty"`
}

func (o Order) body() []byte {
	data, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("marshalling an order: %v", err)) // plain fields always marshal
	}
	return data
}

// ReadOrder reads an entry's body; one that cannot be read is parked.
func ReadOrder(body []byte) (Order, error) {
	var o Order
	if err := json.Unmarshal(body, &o); err != nil {
		return o, app.Park(fmt.Errorf("reading an order: %w", err))
	}
	return o, nil
}

// repository finds the repository an issue is in; a repository the App no longer
// reaches is answered with app.CodeNotFound.
func (s *Service) repository(ctx context.Context, id int64) (repo app.Repository, err error) {
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		repo, err = tx.Repository(ctx, id)
		return err
	})
	if err == nil && repo.Installation == 0 {
		err = app.Errorf(app.CodeNotFound, "the App no longer reaches %s", repo.FullName())
	}
	return repo, err
}

// unreachedPause is how long what is due waits while the App does not reach the
// repository. It goes on at once when the App is back.
const unreachedPause = 24 * time.Hour

// errUnreached postpones an entry until the App is back.
func errUnreached(repo app.Repository) error {
	return app.RetryAfter(app.Errorf(app.CodeUnavailable, "the App does not reach %s", repo.FullName()), unreachedPause)
}

// find loads the RFC of an issue, nil when the issue is none.
func (s *Service) find(ctx context.Context, ref app.IssueRef) (r *RFC, err error) {
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		r, err = tx.RFCByIssue(ctx, ref)
		return err
	})
	if app.Is(err, app.CodeNotFound) {
		return nil, nil
	}
	return r, err
}

// findCounted is find with the newest round, if there is one, and that round's result.
func (s *Service) findCounted(ctx context.Context, ref app.IssueRef) (r *RFC, round *Round, result Result, err error) {
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		if r, err = tx.RFCByIssue(ctx, ref); err != nil {
			return err
		}
		if r.Round == 0 {
			return nil
		}
		if round, err = tx.Round(ctx, r.ID, r.Round); err != nil {
			return err
		}
		record, err := loadRecord(ctx, tx, r, round, s.now())
		if err != nil {
			return err
		}
		result = Recount(record)
		return nil
	})
	if app.Is(err, app.CodeNotFound) {
		return nil, nil, Result{}, nil
	}
	return r, round, result, err
}

// Known reports whether the issue is an RFC already.
func (s *Service) Known(ctx context.Context, ref app.IssueRef) (bool, error) {
	r, err := s.find(ctx, ref)
	return r != nil, err
}
