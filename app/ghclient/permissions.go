package ghclient

import (
	"context"
	"fmt"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// granted is what GitHub says of a permission. go-github v62 leaves role_name
// out, and the old permission field calls maintain "write" and triage "read".
type granted struct {
	Permission string `json:"permission"`
	RoleName   string `json:"role_name"`
	User       *struct {
		ID          int64           `json:"id"`
		Login       string          `json:"login"`
		Permissions map[string]bool `json:"permissions"`
	} `json:"user"`
}

// effective takes the most exact word there is: the map, which knows custom
// roles by what they grant; then the role; then the old field.
func (g granted) effective() app.Permission {
	if g.User != nil && len(g.User.Permissions) > 0 {
		return highest(g.User.Permissions)
	}
	if p := app.ParsePermission(g.RoleName); p != app.PermissionNone {
		return p
	}
	return app.ParsePermission(g.Permission)
}

func highest(permissions map[string]bool) app.Permission {
	best := app.PermissionNone
	for name, has := range permissions {
		if has {
			best = max(best, app.ParsePermission(name))
		}
	}
	return best
}

// Permission asks what somebody may do in the repository at this moment. It is
// never remembered. GitHub's 404 is PermissionNone; any error means that it is
// not known, which neither grants nor refuses.
func (c *RepoClient) Permission(ctx context.Context, login string) (app.Permission, error) {
	found, err := c.permission(ctx, login)
	return found.effective(), err
}

// PermissionOf is Permission for a person known by id, whose login may have
// changed and may be another's by now.
func (c *RepoClient) PermissionOf(ctx context.Context, user app.User) (app.Permission, error) {
	found, err := c.permission(ctx, user.Login)
	if err != nil || user.ID == 0 || found.User == nil || found.User.ID == user.ID {
		return found.effective(), err
	}
	fresh, err := c.UserByID(ctx, user.ID)
	if app.Is(err, app.CodeNotFound) {
		return app.PermissionNone, nil
	}
	if err != nil {
		return app.PermissionNone, err
	}
	found, err = c.permission(ctx, fresh.Login)
	if err == nil && found.User != nil && found.User.ID != user.ID {
		return app.PermissionNone, app.Errorf(app.CodeUnavailable,
			"asking for a permission in %s: GitHub answered for another person", c)
	}
	return found.effective(), err
}

func (c *RepoClient) permission(ctx context.Context, login string) (granted, error) {
	doing := fmt.Sprintf("asking for %s's permission in %s", tidy(login), c)
	if !isName(login) {
		return granted{}, nil // nobody has such a login
	}
	found, err := repoCall(ctx, c, doing,
		func(ctx context.Context, client *github.Client, owner, name string) (granted, *github.Response, error) {
			return get[granted](ctx, client, fmt.Sprintf("repos/%s/%s/collaborators/%s/permission", owner, name, escape(login)))
		})
	if app.Is(err, app.CodeNotFound) {
		return granted{}, nil
	}
	if err != nil {
		return granted{}, err
	}
	return found, nil
}

// Collaborators lists everybody whom the repository grants more than the public
// has, with their highest permission.
func (c *RepoClient) Collaborators(ctx context.Context) ([]app.CollaboratorPermission, error) {
	found, err := repoList(ctx, c, "listing the collaborators of "+c.String(),
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]*github.User, *github.Response, error) {
			return client.Repositories.ListCollaborators(ctx, owner, name, &github.ListCollaboratorsOptions{ListOptions: at})
		})
	if err != nil {
		return nil, err
	}
	return mapped(found, func(u *github.User) app.CollaboratorPermission {
		permission := highest(u.Permissions)
		if len(u.Permissions) == 0 {
			permission = app.ParsePermission(u.GetRoleName())
		}
		return app.CollaboratorPermission{User: toUser(u), Permission: permission}
	}), nil
}
