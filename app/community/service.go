package community

import (
	"context"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// GitHub is what the community asks of one repository on GitHub. Each answer is
// of the moment and is not remembered; errors mean unknown, never no.
type GitHub interface {
	Repository(ctx context.Context) (app.Repository, error)
	Permission(ctx context.Context, login string) (app.Permission, error)
	Collaborators(ctx context.Context) ([]app.CollaboratorPermission, error)
	User(ctx context.Context, login string) (app.User, error)
	TeamMembers(ctx context.Context, organization, slug string) ([]app.User, error)
	IsTeamMember(ctx context.Context, organization, slug, login string) (bool, error)
	IsOrgOwner(ctx context.Context, organization, login string) (bool, error)
	File(ctx context.Context, path, ref string) (app.File, error)
}

// Service keeps a community's members, their ledger, its policies and its stewards.
type Service struct {
	store Store
	repos func(app.Repository) GitHub
	clock app.Clock
	// RFCs is set once, after both services are made: each knows of the other.
	RFCs RFCs
	// Mails tells that the server can send e-mail; it is set once.
	Mails bool
}

// RFCs is what the community asks of its RFCs. Each joins a transaction that ctx
// carries.
type RFCs interface {
	// VoidVoter makes a person's ballots void in every open round, from an instant on.
	VoidVoter(ctx context.Context, account int64, user app.User, at time.Time, why string) error
	// Tasks lists what waits for a member, as far as readers of a repository may know.
	Tasks(ctx context.Context, from app.Repository, member int64) ([]Task, error)
	// Forget takes a person's name out of what is remembered of RFCs; the numeric id
	// stays.
	Forget(ctx context.Context, account, member int64) error
	// RepositoryMoved leaves the RFCs of a repository that moved to another account with
	// the community they were made in.
	RepositoryMoved(ctx context.Context, repo app.Repository) error
}

// Task is something on an RFC that waits for one member.
type Task struct {
	RFC, Title, URL string
	What            string // such as "vote", or "resolve concern 2"
	Due             time.Time
}

// New makes the service; repos gives GitHub as one repository's installation sees it.
func New(store Store, repos func(app.Repository) GitHub, clock app.Clock) *Service {
	return &Service{store: store, repos: repos, clock: clock}
}

// reputationRules are the community's own: every policy of the account carries the
// same, since only the owner's file may change them. version is the policy's.
func reputationRules(ctx context.Context, tx Tx, account int64) (rules config.Reputation, version string, err error) {
	record, err := tx.FirstPolicy(ctx, account)
	if app.Is(err, app.CodeNotFound) {
		standard := config.DefaultPolicy()
		return standard.Reputation, standard.Version(), nil
	}
	return record.Policy.Reputation, record.Version, err
}
