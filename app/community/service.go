package community

import (
	"context"

	"github.com/agora-rfc/agora/app"
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
}

// New makes the service; repos gives GitHub as one repository's installation sees it.
func New(store Store, repos func(app.Repository) GitHub, clock app.Clock) *Service {
	return &Service{store: store, repos: repos, clock: clock}
}
